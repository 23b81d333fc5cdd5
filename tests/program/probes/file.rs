//! `file`: states that another program writes, in a file of their own and in the running program.

use std::fs;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use edgedns::health::{self, Engine, Target, Verdict};
use edgedns::probe::{Life, Outcome, Probe, ProbeKind, Prober, StatesFile, Weight};
use harness::program::Site;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::server::LIMIT;

fn probe_of(file: &Path, address: &str, key: Option<&str>) -> Probe {
    let kind = ProbeKind::File(StatesFile::new(file.to_owned(), key));
    Probe { address: address.parse().unwrap(), source: None, timeout: LIMIT, kind }
}

/// Writes as a program should: the new text is there at once.
fn write(file: &Path, text: &str) {
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, file).unwrap();
}

/// What is said of an address by who has not looked before.
async fn said(probe: &Probe) -> String {
    said_again(&mut probe.prober()).await
}

/// The same once what was read before is looked at again.
async fn said_again(prober: &mut Prober) -> String {
    tokio::time::sleep(Duration::from_millis(120)).await;
    prober.run().await.to_string()
}

#[tokio::test]
async fn a_target_is_what_its_line_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states");
    write(&file, "192.0.2.1 up\n192.0.2.2 maint # a new disk\n2001:db8::3 ready 75%\nweb => DOWN/30\n");
    let up = probe_of(&file, "192.0.2.1", None);
    assert!(said(&up).await.starts_with("passed in "));
    assert_eq!(said(&probe_of(&file, "192.0.2.2", None)).await, "told to be `maint`: a new disk");
    assert_eq!(said(&probe_of(&file, "192.0.2.9", Some("web"))).await, "told to be `DOWN/30`");
    let weighed = probe_of(&file, "2001:db8::3", None).prober().run().await;
    let Outcome::Pass { weight, .. } = weighed else { panic!("{weighed}") };
    assert_eq!(weight.map(Weight::get), Some(75));
    let unlisted = said(&probe_of(&file, "192.0.2.4", None)).await;
    assert!(unlisted.ends_with("states says nothing of `192.0.2.4`"), "{unlisted}");
    assert!(unlisted.starts_with("not probed: "), "{unlisted}");
}

#[tokio::test]
async fn what_a_file_said_last_holds_while_it_is_broken_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states");
    // Whoever looks into a file has it: what it said last goes with the last of them.
    let mut prober = probe_of(&file, "192.0.2.1", None).prober();
    let missing = said_again(&mut prober).await;
    assert!(
        missing.starts_with("not probed: cannot use ") && missing.ends_with("entity not found"),
        "{missing}"
    );
    write(&file, "192.0.2.1 upp\n");
    let broken = said_again(&mut prober).await;
    assert!(broken.contains("states:1:11: `upp` is no state"), "{broken}");
    write(&file, "192.0.2.1 down\n");
    assert_eq!(said_again(&mut prober).await, "told to be `down`");
    write(&file, "192.0.2.1 up\n192.0.2.2 upp\n");
    assert_eq!(said_again(&mut prober).await, "told to be `down`");
    fs::remove_file(&file).unwrap();
    assert_eq!(said_again(&mut prober).await, "told to be `down`");
    write(&file, "192.0.2.1 up\n");
    assert!(said_again(&mut prober).await.starts_with("passed in "));
}

#[tokio::test]
async fn a_change_of_the_file_is_seen_at_once_however_long_the_interval() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states");
    write(&file, "192.0.2.1 up\n192.0.2.2 up\n");
    let hourly = |address: &str| Target {
        probe: probe_of(&file, address, None),
        interval: Duration::from_secs(3600),
        retry: Duration::from_millis(20),
        rise: NonZeroU32::MIN,
        fall: NonZeroU32::MIN,
        life: Life::default(),
    };
    let (mut engine, mut transitions) = Engine::start(Handle::current(), health::Settings::default());
    let ids = engine.watch(&[hourly("192.0.2.1"), hourly("192.0.2.2")]);
    timeout(LIMIT, engine.first_round()).await.unwrap();
    let verdicts = |engine: &Engine| ids.iter().map(|id| engine.board().verdict(*id)).collect::<Vec<_>>();
    assert_eq!(verdicts(&engine), [Verdict::Up; 2]);
    for _ in 0..2 {
        timeout(LIMIT, transitions.recv()).await.unwrap().unwrap();
    }
    let changed = Instant::now();
    write(&file, "192.0.2.1 down # told\n192.0.2.2 down\n");
    for _ in 0..2 {
        let down = timeout(LIMIT, transitions.recv()).await.unwrap().unwrap();
        assert_eq!(down.to, Verdict::Down, "{down}");
    }
    assert!(changed.elapsed() < Duration::from_millis(1500), "{:?}", changed.elapsed());
    assert_eq!(verdicts(&engine), [Verdict::Down; 2]);
    assert_eq!(*engine.local_trouble().borrow(), None);
}

#[tokio::test]
async fn only_a_change_of_the_file_itself_has_its_targets_probed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states");
    write(&file, "192.0.2.1 up\n");
    let mut prober = probe_of(&file, "192.0.2.1", None).prober();
    assert!(said_again(&mut prober).await.starts_with("passed in "));
    for number in 0..100 {
        fs::write(folder.path().join(format!("other-{number}")), "192.0.2.1 down\n").unwrap();
    }
    assert!(
        timeout(Duration::from_millis(300), prober.hint()).await.is_err(),
        "other files say nothing of it"
    );
    write(&file, "192.0.2.1 down\n");
    timeout(LIMIT, prober.hint()).await.unwrap();
    assert_eq!(prober.run().await.to_string(), "told to be `down`");
}

#[tokio::test]
async fn a_folder_that_comes_after_the_probe_or_is_made_anew_is_heard_of() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("run");
    let file = folder.join("states");
    let mut prober = probe_of(&file, "192.0.2.1", None).prober();
    for state in ["up", "down"] {
        assert!(timeout(Duration::from_millis(50), prober.hint()).await.is_err());
        fs::create_dir(&folder).unwrap();
        prober.run().await;
        // At its next turn it watches the folder that is there now.
        assert!(timeout(Duration::from_millis(50), prober.hint()).await.is_err());
        write(&file, &format!("192.0.2.1 {state}\n"));
        timeout(LIMIT, prober.hint()).await.unwrap();
        let said = prober.run().await.to_string();
        assert!(said.starts_with("passed in ") == (state == "up"), "{said}");
        fs::remove_dir_all(&folder).unwrap();
        timeout(LIMIT, prober.hint()).await.unwrap();
        prober.run().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_answers_whom_the_file_says_to_be_up_and_bad_lines_are_told_once() {
    let site = Site::new();
    let zone = "$ORIGIN lab.example.\n$TTL 10\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\napi A 192.0.2.1\napi A 192.0.2.2\n";
    site.write("lab.zone", zone);
    site.write("states", "192.0.2.1 up\n192.0.2.2 maint # a new disk\n");
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n\n[probe]\nrise = 1\nfall = 1\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\nfile = \"states\"\n",
    );
    let [first, second] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &[first]);
        program.wait_for_line("down after 1 failure: told to be `maint`: a new disk");
        site.write("states", "192.0.2.1 down\n192.0.2.2 up\n");
        program.wait_for_addresses("api.lab.example.", &[second]);
        site.write("states", "192.0.2.1 up\n192.0.2.2 u\n");
        program.wait_for_line("states:2:11: `u` is no state");
        fs::remove_file(site.folder().join("states")).unwrap();
        program.wait_for_line("what it said last holds");
        program.wait_for_addresses("api.lab.example.", &[second]);
        site.write("states", "192.0.2.1 up\n192.0.2.2 up\n");
        program.wait_for_addresses("api.lab.example.", &[first, second]);
        let lines: Vec<_> = program.log();
        let times = |words: &str| lines.iter().filter(|line| line.text.contains(words)).count();
        assert_eq!(times("`u` is no state"), 1);
        program.stop();
    });
}
