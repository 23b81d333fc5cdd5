//! `[[key]]`: what a key is made of, and that no fault shows its secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Outcome, ZONE, read, read_in};
use crate::source::Diagnostic;

/// A secret of 18 bytes.
const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0";

pub(super) fn write_secret(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What came of a `[[key]]` with these lines.
fn key(lines: &str) -> Outcome {
    read(format!("[[key]]\n{lines}\n{ZONE}"))
}

/// What came of a key in a file of this mode.
fn in_file(text: &str, mode: u32) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    write_secret(&folder.path().join("secret"), text, mode);
    let lines = "[[key]]\nname = \"k\"\nsecret-file = \"secret\"\n";
    let outcome = read_in(folder.path(), format!("{lines}{ZONE}"));
    for (one, sentence) in outcome.found.iter().zip(outcome.sentences()) {
        let drawn = outcome.sources.render(one, crate::source::Look::Plain);
        assert!(!drawn.contains(SECRET) && !sentence.contains(SECRET), "{drawn}");
    }
    outcome
}

#[test]
fn a_key_has_a_name_an_algorithm_and_a_secret() {
    let keys = read(format!(
        "[[key]]\nname = \"Transfer.\"\nsecret = \"{SECRET}\"\n\
         [[key]]\nname = \"old\"\nalgorithm = \"HMAC-SHA1\"\nsecret = \"{SECRET}\"\n{ZONE}"
    ))
    .settings()
    .keys;
    let shown: Vec<String> = keys.iter().map(|key| format!("{} {}", key.name, key.algorithm)).collect();
    assert_eq!(shown, ["transfer hmac-sha256", "old hmac-sha1"]);
    assert!(!format!("{keys:?}").contains("115"), "a secret is shown: {keys:?}");
}

#[test]
fn a_secret_in_a_file_is_that_of_the_config_file() {
    let other = key(&format!("name = \"k\"\nsecret = \"{SECRET}\"")).settings().keys.remove(0);
    for mode in [0o600, 0o400] {
        let own = in_file(&format!("{SECRET}\n"), mode).settings().keys.remove(0);
        assert_eq!((own.secret, own.file.is_some()), (other.secret.clone(), true));
    }
}

#[test]
fn a_file_that_others_may_use_is_refused_with_the_remedy() {
    for mode in [0o644, 0o640, 0o660, 0o601] {
        let sentence = in_file(SECRET, mode).sentence();
        assert!(sentence.contains(&format!("its mode is {mode:04o}; chmod 600 ")), "{sentence}");
    }
}

#[test]
fn a_file_without_a_secret_is_refused() {
    assert!(in_file("", 0o600).sentence().contains("there is no secret, and "));
    assert!(in_file("no secret!", 0o600).sentence().contains("a secret is written in base64, and "));
    let missing = key("name = \"k\"\nsecret-file = \"/nonexistent/secret\"").sentence();
    assert!(missing.contains("cannot use /nonexistent/secret: entity not found"), "{missing}");
}

#[test]
fn a_file_of_no_use_makes_only_its_key_useless() {
    for (text, mode, is_read) in [(SECRET, 0o644, true), ("no secret!", 0o600, true), (SECRET, 0o600, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if is_read { "secret" } else { "other" });
        write_secret(&path, text, mode);
        let keys = format!(
            "[[key]]\nname = \"k\"\nsecret-file = \"secret\"\n[[key]]\nname = \"sound\"\nsecret = \"{SECRET}\"\n"
        );
        let outcome = read_in(folder.path(), format!("{keys}{ZONE}"));
        let [warning] = outcome.sentences().try_into().expect("one warning");
        assert!(!outcome.found.iter().any(Diagnostic::is_error), "{warning}");
        let config = outcome.config.expect("the rest is served");
        let usable: Vec<bool> = config.keys.iter().map(|key| key.key().is_some()).collect();
        assert_eq!(usable, [false, true], "{warning}");
        let (file, digest) = config.keys[0].file.clone().expect("it is watched");
        assert_eq!((file, digest.is_some()), (folder.path().join("secret"), is_read));
    }
}

#[test]
fn what_is_missing_twice_or_given_in_two_ways_is_told_at_its_place() {
    let sentence = |lines: &str| key(lines).sentence();
    assert!(
        sentence("name = \"k\"").starts_with("edgedns.toml:1:1: `[[key]]` lacks `secret-file` or `secret`")
    );
    assert!(sentence(&format!("secret = \"{SECRET}\"")).contains("`[[key]]` lacks `name`"));
    let both = sentence(&format!("name = \"k\"\nsecret = \"{SECRET}\"\nsecret-file = \"s\""));
    assert!(both.contains("the key has a `secret` already"), "{both}");
    let one = format!("name = \"k\"\nsecret = \"{SECRET}\"\n");
    let twice = sentence(&format!("{one}[[key]]\n{}", one.replace("\"k\"", "\"K.\"")));
    assert!(twice.starts_with("edgedns.toml:5:8: there is a key `k` already"), "{twice}");
    assert!(sentence(&one.replace("\"k\"", "\".\"")).contains("the name of the root"));
}

#[test]
fn algorithms_that_are_not_offered_are_refused_with_the_remedy() {
    let algorithm =
        |name: &str| key(&format!("name = \"k\"\nalgorithm = \"{name}\"\nsecret = \"{SECRET}\"")).sentence();
    assert!(algorithm("hmac-md5").ends_with("cert-manager needs `tsigAlgorithm: HMACSHA256`"));
    assert!(algorithm("hmac-sha224").contains("write \"hmac-sha256\""));
    assert!(algorithm("sha256").contains("those are hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha1"));
    assert!(algorithm("hmac-sha256-64").contains("is cut to 128 to 256 bits"));
}

#[test]
fn a_short_secret_is_warned_of() {
    let outcome = key("name = \"k\"\nsecret = \"c2VjcmV0\"");
    assert!(outcome.sentence().contains("a secret of 6 bytes can be guessed"));
    assert_eq!(outcome.config.unwrap().keys.len(), 1);
}

#[test]
fn no_fault_shows_a_secret() {
    let faulty = [
        format!("key = [{{ name = \"k\", secret = \"{SECRET}\", algorithm = \"md5\" }}]\n"),
        format!("[[key]]\nname = \"k\"\nsecret = \"{SECRET}!\"\n"),
        format!("[[key]]\nname = \"k\"\nsecret = {SECRET}\n"),
        format!("[[key]]\nname = \"k\"\nsecret = \"{SECRET}\nalgorithm = 1\n"),
        format!("[[key]]\nname = \"k\"\nsecret = \"{SECRET}\"\nsecret = \"{SECRET}\"\n"),
        format!("[[key]]\nname = \"k\"\nsecret = [\"{SECRET}\"]\n"),
        format!("[server]\ncookie-secret = \"{SECRET}\"\n"),
    ];
    for text in faulty {
        let outcome = read(format!("{text}{ZONE}"));
        assert!(!outcome.sentences().is_empty(), "{text}");
        for (one, sentence) in outcome.found.iter().zip(outcome.sentences()) {
            let drawn = outcome.sources.render(one, crate::source::Look::Plain);
            assert!(!drawn.contains(SECRET), "{drawn}");
            assert!(!sentence.contains(SECRET), "{sentence}");
        }
    }
}
