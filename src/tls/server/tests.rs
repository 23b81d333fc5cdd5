//! Pairs that come, go and do not do; and handshakes meanwhile.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConnection};

use super::super::authority::TrustEveryone;
use super::super::client::{Handshake, TlsVersions, Verify};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate that ends in so many days, and its key; both in PEM.
fn made(days: i64) -> (String, String) {
    made_from(-1000, days)
}

/// The same of one that is valid from so many days from now on.
fn made_from(first: i64, days: i64) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(vec!["ns.lab.example".to_owned()]).unwrap();
    let now = time::OffsetDateTime::now_utc();
    wanted.not_before = now + time::Duration::days(first);
    wanted.not_after = now + time::Duration::days(days);
    (wanted.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn files(folder: &Path) -> PairFiles {
    PairFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") }
}

/// Writes both, as another file under the same name.
fn put(folder: &Path, (certificate, key): &(String, String)) {
    for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
        fs::write(folder.join("new"), text).unwrap();
        fs::rename(folder.join("new"), folder.join(name)).unwrap();
    }
}

fn followed(folder: &Path) -> ServerTls {
    let tls = ServerTls::new();
    tls.follow(Some(files(folder)));
    tls
}

/// The certificate that a client is shown, or why there is none, and what protocol is agreed on.
fn shown(config: &Arc<ServerConfig>, offered: &[&[u8]]) -> Result<(Vec<u8>, Option<Vec<u8>>), rustls::Error> {
    let builder = ClientConfig::builder_with_provider(crypto::provider());
    let builder = builder.with_protocol_versions(rustls::DEFAULT_VERSIONS).unwrap();
    let trusting = builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustEveryone));
    let mut wanted = trusting.with_no_client_auth();
    wanted.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("ns.lab.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(wanted), name)?;
    let mut server = ServerConnection::new(Arc::clone(config))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        server.read_tls(&mut &flight[..]).unwrap();
        server.process_new_packets()?;
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        client.read_tls(&mut &flight[..]).unwrap();
        client.process_new_packets()?;
    }
    let leaf = client.peer_certificates().unwrap()[0].to_vec();
    Ok((leaf, client.alpn_protocol().map(<[u8]>::to_vec)))
}

fn leaf(pair: &(String, String)) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap().to_vec()
}

#[test]
fn a_pair_that_comes_is_shown_by_the_listeners_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let tls = followed(folder.path());
    let (dot, doh) = (tls.config(&[b"dot"]), tls.config(&[b"h2", b"http/1.1"]));
    let now = SystemTime::now();
    let refused = tls.look(now);
    assert!(matches!(
        refused,
        Some(CertificateChange::Refused { standing: CertificateStanding::Missing, .. })
    ));
    assert_eq!(tls.look(now), None, "it is told once");
    assert!(shown(&dot, &[]).is_err());

    for days in [30, 60] {
        let pair = made(days);
        put(folder.path(), &pair);
        assert!(matches!(tls.look(now), Some(CertificateChange::Taken { .. })));
        assert_eq!(tls.look(now), None);
        assert_eq!(shown(&dot, &[b"dot"]).unwrap(), (leaf(&pair), Some(b"dot".to_vec())));
        assert_eq!(shown(&dot, &[]).unwrap(), (leaf(&pair), None), "old clients name none");
        assert_eq!(shown(&doh, &[b"h2"]).unwrap(), (leaf(&pair), Some(b"h2".to_vec())));
        assert!(shown(&doh, &[b"dot"]).is_err(), "others are refused");
        let status = tls.status().unwrap();
        let left = status.not_after.unwrap().duration_since(now).unwrap().as_secs() / DAY.as_secs();
        assert!(i64::try_from(left).unwrap() >= days - 1, "{status:?}");
        assert_eq!((status.standing, status.fault), (CertificateStanding::Served, None));
    }
}

#[test]
fn what_cannot_be_used_leaves_what_is_served_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let tls = followed(folder.path());
    let config = tls.config(&[b"dot"]);
    let (now, good) = (SystemTime::now(), made(30));
    put(folder.path(), &good);
    assert!(tls.look(now).is_some());
    let key_of_another = (good.0.clone(), made(30).1);
    let expired = made(-3);
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned();
    let nonsense = broken.replace("PRIVATE KEY", "CERTIFICATE");
    for (bad, why) in [
        (&key_of_another, "tls.key: the key does not belong to the certificate"),
        (&expired, "tls.crt: the certificate in it has expired 3 days ago"),
        (&(String::new(), good.1.clone()), "tls.crt: no certificate in PEM is in it"),
        (&(good.0.clone(), String::new()), "tls.key: no private key in PEM is in it"),
        (&(good.0.clone(), broken), "tls.key: the key in it is broken, or of a kind that cannot be used"),
        (&(nonsense, good.1.clone()), "tls.crt: a certificate in it cannot be used"),
    ] {
        put(folder.path(), bad);
        assert_eq!(tls.look(now), None, "the other file may still come");
        let Some(CertificateChange::Refused { fault, standing }) = tls.look(now) else { panic!("{why}") };
        assert!(fault.to_string().ends_with(why), "{fault}");
        assert_eq!(standing, CertificateStanding::Served);
        assert_eq!(tls.look(now), None, "it is told once");
        assert_eq!(tls.status().unwrap().fault, Some(fault));
        assert_eq!(shown(&config, &[]).unwrap().0, leaf(&good));
    }
    put(folder.path(), &good);
    assert!(matches!(tls.look(now), Some(CertificateChange::Taken { .. })));
    assert_eq!(tls.status().unwrap().fault, None);
}

#[test]
fn one_that_is_not_valid_yet_waits_for_its_time_behind_one_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let tls = followed(folder.path());
    let config = tls.config(&[b"dot"]);
    let (now, good, next) = (SystemTime::now(), made(30), made_from(2, 60));
    put(folder.path(), &good);
    assert!(tls.look(now).is_some());
    put(folder.path(), &next);
    tls.look(now);
    let Some(CertificateChange::Refused { fault, .. }) = tls.look(now) else { panic!("it is taken") };
    let why = fault.to_string();
    assert!(why.contains("is not valid before 20") && why.contains("Z, and is taken then"), "{why}");
    assert_eq!(tls.look(now + DAY), None, "that was told");
    assert_eq!(shown(&config, &[]).unwrap().0, leaf(&good));
    assert!(matches!(tls.look(now + 2 * DAY), Some(CertificateChange::Taken { .. })));
    assert_eq!(shown(&config, &[]).unwrap().0, leaf(&next));
    // It is better than none.
    let alone = followed(folder.path());
    assert!(matches!(alone.look(now), Some(CertificateChange::Taken { .. })));
}

#[test]
fn one_that_has_expired_is_better_than_none() {
    let folder = tempfile::tempdir().unwrap();
    let tls = followed(folder.path());
    let config = tls.config(&[b"dot"]);
    let (now, expired) = (SystemTime::now(), made(-3));
    put(folder.path(), &expired);
    assert!(matches!(tls.look(now), Some(CertificateChange::Taken { .. })));
    assert_eq!(shown(&config, &[]).unwrap().0, leaf(&expired), "opportunistic clients take any");
    // What was good when it came has expired since.
    let short = made(10);
    put(folder.path(), &short);
    assert!(tls.look(now).is_some());
    let other = made(5);
    put(folder.path(), &other);
    assert!(matches!(tls.look(now + 20 * DAY), Some(CertificateChange::Taken { .. })));
}

/// The way of Kubernetes: the files are links into a folder that is a link itself, which is what changes.
#[test]
fn a_folder_that_is_swapped_by_its_link_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (link, at) = (folder.path().join("..data"), folder.path().join("mounted"));
    let (one, other) = (made(30), made(60));
    for (name, pair) in [("1", &one), ("2", &other)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        put(&folder.path().join(name), pair);
    }
    fs::create_dir(&at).unwrap();
    std::os::unix::fs::symlink("1", &link).unwrap();
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(Path::new("../..data").join(name), at.join(name)).unwrap();
    }
    let (tls, now) = (followed(&at), SystemTime::now());
    let config = tls.config(&[b"dot"]);
    assert!(tls.look(now).is_some());
    assert_eq!(shown(&config, &[]).unwrap().0, leaf(&one));
    let fresh = folder.path().join("..fresh");
    std::os::unix::fs::symlink("2", &fresh).unwrap();
    fs::rename(&fresh, &link).unwrap();
    assert!(matches!(tls.look(now), Some(CertificateChange::Taken { .. })));
    assert_eq!(shown(&config, &[]).unwrap().0, leaf(&other));
}

#[test]
fn files_that_are_followed_no_more_are_shown_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let tls = followed(folder.path());
    put(folder.path(), &made(30));
    assert!(tls.look(SystemTime::now()).is_some());
    tls.follow(None);
    assert_eq!((tls.look(SystemTime::now()), tls.status()), (None, None));
    assert!(shown(&tls.config(&[b"dot"]), &[]).is_err());
}

#[test]
fn what_servers_and_clients_speak_keeps_the_rules_of_the_module() {
    let is_fips = crypto::module().rules == crypto::Rules::Fips140;
    let tls = ServerTls::new();
    let nobody = ClientAuthorities::new("/nonexistent".into());
    for config in [
        tls.config(&[b"dot"]),
        tls.config_asking_clients(&[b"doq"]),
        tls.config_for_clients_of(&nobody, &[b"http/1.1"]),
    ] {
        assert_eq!(config.fips(), is_fips);
    }
    let client = Handshake::without_alpn(None, Verify::Off, None);
    for versions in [TlsVersions::Usual, TlsVersions::Newest] {
        assert_eq!(client.config_of(versions).unwrap().fips(), is_fips);
    }
}
