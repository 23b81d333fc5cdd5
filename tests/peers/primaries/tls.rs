//! BIND as a primary over TLS (RFC 9103): the certificate must be for the name that is given, and the version the newest.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// The name in the certificate of the primary.
const NAME: &str = "ns1.lab.example";

/// Writes a certificate for `NAME` with its key, and the authority that both are from.
fn write_certificate(folder: &Path) {
    let key = KeyPair::generate().expect("a key");
    let mut wanted = CertificateParams::new(Vec::new()).expect("an authority");
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = wanted.self_signed(&key).expect("an authority").pem();
    let issuer = Issuer::new(wanted, key);
    let own_key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec![NAME.to_owned()]).expect("a certificate");
    let own = own.signed_by(&own_key, &issuer).expect("a certificate");
    fs::write(folder.join("ca.pem"), authority).expect("an authority");
    fs::write(folder.join("own.pem"), own.pem()).expect("a certificate");
    fs::write(folder.join("own.key"), own_key.serialize_pem()).expect("a key");
}

/// Has BIND send zones over TLS alone, at `place`, in these versions.
fn bind_over_tls(
    place: SocketAddr,
    versions: &str,
) -> impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command) {
    move |folder, plain, notified, command| {
        write_certificate(folder);
        bind(folder, plain, notified, command);
        let text = fs::read_to_string(folder.join("named.conf")).expect("a config file");
        let (at, ip, port) = (folder.display(), place.ip(), place.port());
        let listen = format!("listen-on port {port} tls own {{ {ip}; }}; listen-on port ");
        let text = text.replacen("listen-on port ", &listen, 1).replace(
            "allow-transfer { 127.0.0.0/8; }",
            &format!("allow-transfer port {port} transport tls {{ 127.0.0.0/8; }}"),
        );
        let tls = format!(
            "tls own {{ cert-file \"{at}/own.pem\"; key-file \"{at}/own.key\"; protocols {{ {versions}; }}; }};\n"
        );
        fs::write(folder.join("named.conf"), tls + &text).expect("a config file");
    }
}

/// Starts BIND over TLS and a secondary of it that wants this name.
fn started(versions: &str, name: &str, key: &str) -> Option<(Primary, Site, Program)> {
    let site = Site::new();
    // BIND listens only where an interface has the address.
    let place = free_port(Ipv4Addr::LOCALHOST);
    let configure = bind_over_tls(place, versions);
    let primary = Primary::start("named", Ipv4Addr::LOCALHOST, site.listen(), configure)?;
    let ca = primary.folder.path().join("ca.pem");
    site.configure(&format!(
        "{key}[[zone]]\nname = \"lab.example\"\nprimary = [\"tls://{place}#{name}\"]\nca = \"{}\"\n",
        ca.display()
    ));
    let program = site.start();
    Some((primary, site, program))
}

#[test]
fn bind_is_followed_over_tls_without_a_key() {
    let Some((primary, _site, program)) = started("TLSv1.3", NAME, "") else { return };
    wait_for_address(&program, &primary, 1);
    same_answers(&program, &primary);
    primary.change(2, 2);
    wait_for_address(&program, &primary, 2);
    program.wait_for_line("from serial 1 to 2: changes of");
    program.stop();
}

#[test]
fn a_certificate_for_another_name_or_of_an_unknown_authority_is_refused() {
    let Some((primary, site, program)) = started("TLSv1.3", "ns2.lab.example", "") else { return };
    let line = program.wait_for_line("cannot be copied");
    assert!(line.text.contains("ertificate") && line.text.contains("ns2.lab.example"), "{line:?}");
    program.stop();
    let other = tempfile::tempdir().expect("a scratch folder");
    write_certificate(other.path());
    let text = fs::read_to_string(site.folder().join("edgedns.toml")).expect("a config file");
    let text = text.replace("ns2.lab.example", NAME);
    let [own, other] = [primary.folder.path(), other.path()].map(|folder| folder.display().to_string());
    site.write("edgedns.toml", &text.replace(&own, &other));
    let program = site.start();
    let line = program.wait_for_line("cannot be copied");
    assert!(line.text.contains("ertificate"), "{line:?}");
    program.stop();
    // It is nothing else that was wrong.
    site.write("edgedns.toml", &text);
    let program = site.start();
    wait_for_address(&program, &primary, 1);
    program.stop();
}

#[test]
fn an_older_version_of_tls_is_refused() {
    let Some((_primary, _site, program)) = started("TLSv1.2", NAME, "") else { return };
    let line = program.wait_for_line("cannot be copied");
    // BIND closes without a word.
    assert!(line.text.contains("TLS: "), "{line:?}");
    program.stop();
}
