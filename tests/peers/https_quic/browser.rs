//! Chromium with nothing but secure DNS to resolve names by.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use super::*;

/// No graphics card, no dialogs, and no network traffic but for the page.
const ARGUMENTS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// The hash of the certificate's public key, by which Chromium is told to trust it.
fn key_hash(encrypted: &Encrypted) -> Option<String> {
    tool("openssl")?;
    let script = "openssl x509 -in \"$1\" -pubkey -noout | openssl pkey -pubin -outform der \
                  | openssl dgst -sha256 -binary | openssl base64 -A";
    let output = Command::new("bash").args(["-c", script, "bash", &encrypted.certificate()]).output();
    Some(said(&output.expect("bash runs")).trim().to_owned())
}

#[test]
fn chromium_finds_a_page_by_a_name_that_it_asks_for_over_https_alone() {
    let Some(mut chromium) = tool("chromium") else { return };
    let encrypted = started("listen-https");
    let Some(hash) = key_hash(&encrypted) else { return };
    let listener = TcpListener::bind((encrypted.place.ip(), 0)).expect("an address of this host");
    let page = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let page =
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<p>it is here</p>";
            let _ = stream.write_all(page.as_bytes());
        }
    });
    let profile = tempfile::tempdir().expect("a scratch folder");
    let template = format!("https://{}/dns-query", encrypted.place);
    let state = format!(r#"{{"dns_over_https": {{"mode": "secure", "templates": "{template}"}}}}"#);
    std::fs::write(profile.path().join("Local State"), state).expect("a scratch file");
    chromium.args(ARGUMENTS).arg(format!("--ignore-certificate-errors-spki-list={hash}"));
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    chromium.args(["--dump-dom", &format!("http://page.lab.example:{}/", page.port())]).stderr(Stdio::null());
    let told = said(&chromium.output().expect("it runs"));
    assert!(told.contains("it is here"), "{told}");
    encrypted.program.stop();
}
