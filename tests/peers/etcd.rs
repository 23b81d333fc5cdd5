//! The client of etcd beside Debian's etcd.

use std::time::Duration;

use edgedns::etcd::{Access, Change, Client, Endpoint, Error, Login, Mark, PORT};
use edgedns::http_client;
use edgedns::tls::{AuthorityFile, ServerName, Verify};
use harness::etcd::{Etcd, Security};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Longest wait for what comes by itself.
const LIMIT: Duration = Duration::from_secs(20);

fn access(etcd: &Etcd) -> Access {
    let endpoints = etcd.endpoints().iter().map(|text| Endpoint::read(text, PORT).unwrap()).collect();
    Access { endpoints, server_name: None, verify: Verify::System, certificate: None, login: None }
}

fn with_login(etcd: &Etcd) -> Access {
    let login = Login { user: "edgedns".to_owned(), password_file: etcd.password_file() };
    let verify = Verify::File(AuthorityFile::new(etcd.authority()).unwrap());
    Access { verify, login: Some(login), ..access(etcd) }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn pages_are_of_one_revision_and_a_watch_goes_on_from_there() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put_many(300, |number| (format!("/skydns/k{number:03}"), format!("v{number}")));
    etcd.put("/other", "x");
    runtime().block_on(async {
        let mut client = Client::new(access(&etcd));
        let first = client.range(b"/skydns/", None, 200, None).await.unwrap();
        assert_eq!((first.keys.len(), first.count, first.has_more), (200, 300, true));
        etcd.put("/skydns/k250", "later");
        let mut from = first.keys.last().unwrap().key.clone();
        from.push(0);
        let revision = first.mark.revision;
        let second = client.range(b"/skydns/", Some(&from), 200, Some(revision)).await.unwrap();
        assert_eq!((second.keys.len(), second.has_more), (100, false));
        assert_eq!(second.keys[50].value, b"v250", "as it was when the first page was read");
        let mut watch = client.watch(b"/skydns/", revision + 1).await.unwrap();
        let seen = timeout(LIMIT, watch.next()).await.unwrap().unwrap();
        assert_eq!(seen.mark.revision, revision + 1);
        assert!(matches!(&seen.changes[..], [Change::Put(kv)] if kv.value == b"later"));
        etcd.delete("/skydns/k000");
        let seen = timeout(LIMIT, watch.next()).await.unwrap().unwrap();
        assert!(matches!(&seen.changes[..], [Change::Gone { key, .. }] if key == b"/skydns/k000"));
        assert_eq!(client.count(b"/skydns/").await.unwrap().1, 299);
    });
}

#[test]
fn a_transaction_of_many_keys_and_a_large_value_come_at_once() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    runtime().block_on(async {
        let mut client = Client::new(access(&etcd));
        let mark = client.mark(b"/skydns/").await.unwrap();
        let mut watch = client.watch(b"/skydns/", mark.revision + 1).await.unwrap();
        etcd.put_many(100, |number| (format!("/skydns/k{number}"), "v".to_owned()));
        assert_eq!(timeout(LIMIT, watch.next()).await.unwrap().unwrap().changes.len(), 100);
        let value = vec![b'x'; 1 << 20];
        client.put(b"/skydns/large", &value).await.unwrap();
        let seen = timeout(LIMIT, watch.next()).await.unwrap().unwrap();
        assert!(matches!(&seen.changes[..], [Change::Put(kv)] if kv.value == value));
    });
}

#[test]
fn what_is_compacted_is_told_of() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    for value in ["1", "2", "3"] {
        etcd.put("/skydns/k", value);
    }
    etcd.ctl(&["compaction", "4"]);
    runtime().block_on(async {
        let mut client = Client::new(access(&etcd));
        let paged = client.range(b"/skydns/", None, 10, Some(2)).await;
        assert!(matches!(paged, Err(Error::Compacted)), "{paged:?}");
        let watched = match client.watch(b"/skydns/", 2).await {
            Ok(mut watch) => timeout(LIMIT, watch.next()).await.unwrap().err(),
            Err(error) => Some(error),
        };
        assert!(matches!(watched, Some(Error::Compacted)), "{watched:?}");
    });
}

#[test]
fn a_store_with_tls_and_users_is_asked_as_somebody_and_a_lost_token_is_renewed() {
    // A token of etcd is forgotten after so many seconds without use.
    let Some(etcd) = Etcd::start_with(1, Security::TlsAndUsers, &["--auth-token-ttl=1"]) else { return };
    etcd.put("/skydns/k", "v");
    runtime().block_on(async {
        let nobody = Access { login: None, ..with_login(&etcd) };
        let refused = Client::new(nobody).mark(b"/skydns/").await;
        assert!(matches!(refused, Err(Error::NotLoggedIn(_))), "{refused:?}");
        let stranger = Access { verify: Verify::System, ..with_login(&etcd) };
        let refused = Client::new(stranger).mark(b"/skydns/").await;
        assert!(matches!(refused, Err(Error::Link(http_client::Error::Tls(_)))), "{refused:?}");
        let other = Access { server_name: ServerName::new("other.example"), ..with_login(&etcd) };
        assert!(matches!(
            Client::new(other).mark(b"/skydns/").await,
            Err(Error::Link(http_client::Error::Tls(_)))
        ));

        let named = Access { server_name: ServerName::new("etcd.lab.example"), ..with_login(&etcd) };
        let mut client = Client::new(named);
        let mark = client.mark(b"/skydns/").await.unwrap();
        let forbidden = client.range(b"/elsewhere/", None, 10, None).await;
        assert!(matches!(forbidden, Err(Error::NotLoggedIn(_))), "{forbidden:?}");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(client.mark(b"/skydns/").await.is_ok(), "the token is renewed");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut watch = client.watch(b"/skydns/", mark.revision + 1).await.unwrap();
        client.put(b"/skydns/k", b"w").await.unwrap();
        let seen = timeout(LIMIT, watch.next()).await.unwrap().unwrap();
        assert_eq!(seen.changes[0].key(), b"/skydns/k");
    });
}

#[test]
fn a_member_that_is_gone_or_cut_off_is_left_for_one_that_is_well() {
    let Some(mut etcd) = Etcd::start(3, Security::None) else { return };
    etcd.put("/skydns/k", "v");
    runtime().block_on(async {
        let mut client = Client::new(access(&etcd));
        let mark: Mark = client.mark(b"/skydns/").await.unwrap();
        let mut watch = client.watch(b"/skydns/", mark.revision + 1).await.unwrap();
        etcd.kill(0);
        let ended = timeout(LIMIT, watch.next()).await.unwrap();
        assert!(ended.is_err(), "{ended:?}");
        let after = client.mark(b"/skydns/").await.unwrap();
        assert_eq!(after.cluster, mark.cluster);
        let mut watch = client.watch(b"/skydns/", after.revision + 1).await.unwrap();
        // The one that is asked is alone then: it has no leader, and says so.
        let asked =
            etcd.addresses().iter().position(|one| Some(*one) == client.endpoint().map(|e| e.address));
        let asked = asked.unwrap();
        etcd.kill(3 - asked);
        let ended = timeout(LIMIT, watch.next()).await.unwrap();
        assert!(matches!(ended, Err(Error::Unavailable(_))), "{ended:?}");
        assert!(client.mark(b"/skydns/").await.is_err());
        assert!(client.watch(b"/skydns/", after.revision + 1).await.is_err());
        etcd.restart(0);
        let begin = std::time::Instant::now();
        while let Err(error) = client.mark(b"/skydns/").await {
            assert!(begin.elapsed() < LIMIT, "{error}");
        }
    });
}
