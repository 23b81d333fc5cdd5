//! Files that cost too much: one that cannot be opened, one that takes all memory, one that is half written.
//! Other zones are not affected, and neither is the next start.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{ask, sorted_addresses};
use harness::http::get;
use harness::lease::Lease;
use harness::program::Program;
use harness::tools::tool;
use harness::versions::{Versions, serves, serves_now, zone};
use harness::{PATIENCE, meanwhile, wait_for};

/// How long a file is waited for, with what a loaded machine adds.
const FILE_WAIT_MAX: Duration = Duration::from_secs(12);

/// The zones of most tests here.
const ZONES: [&str; 2] = ["lab", "other"];

/// What is there while the first of them is being read.
const MARK: &str = "state/reading/lab.example.mark";

/// Hosts of a zone that is written in pieces.
const HOSTS: usize = 2_000;

/// Two zones that are served and kept, in files that are not watched.
fn lab() -> Versions {
    Versions::new(&ZONES)
}

/// The same with a key more for the zone `lab.example`.
fn configure_with(lab: &Versions, key: &str) {
    // Keys of a zone belong to the block before them.
    lab.site.configure(&format!("{}{key}\n", lab.tables(&["other", "lab"])));
}

/// Version 1 of the zone is kept, nothing is served any more, and version 2 is in the file.
fn changed_after_a_stop(lab: &Versions) {
    let program = lab.site.start();
    lab.wait_for_kept_version("lab", 1);
    program.stop();
    lab.write("lab", &zone(2));
}

/// The next server was killed while it read version 2. None: files cannot be held up here.
fn killed_while_reading(lab: &Versions) -> Option<()> {
    changed_after_a_stop(lab);
    assert!(!lab.file(MARK).exists(), "no process was killed");
    let lease = Lease::on(&lab.file("lab.zone"))?;
    let killed = lab.site.spawn_as(|_| {});
    wait_for_mark(lab);
    drop(killed);
    drop(lease);
    Some(())
}

/// Waits until the zone is being read.
fn wait_for_mark(lab: &Versions) {
    wait_for("a mark", PATIENCE, || lab.file(MARK).exists().then_some(()));
}

/// The program may have this much memory from now on, in bytes.
fn limit_memory(program: &Program, bytes: u64) {
    let limit = format!("--as={bytes}");
    let mut prlimit = tool("prlimit").expect("a program of util-linux");
    let limited = prlimit.arg("--pid").arg(program.pid().to_string()).arg(limit).status();
    assert!(limited.is_ok_and(|status| status.success()), "a limit for the program");
}

/// 1.6 GB of records in 26 kB of text.
fn greedy() -> String {
    let text = format!("\"{}\" ", "x".repeat(250)).repeat(100);
    format!("{}$GENERATE 0-65535 a$ TXT {text}\n", zone(2))
}

#[test]
fn a_zone_that_would_take_all_memory_is_not_loaded_and_the_others_are() {
    let lab = lab();
    let mut program = lab.site.start();
    // The next start needs it.
    lab.wait_for_kept_version("lab", 1);
    limit_memory(&program, 3 << 30);
    lab.write("lab", &greedy());
    lab.write("other", &zone(2));
    let before = program.log_len();
    program.reload();
    let line = program.wait_for_line_after(before, "more than 256 MiB of memory");
    assert!(line.text.contains("lab.zone:6:") && line.text.contains("`memory-limit`"), "{line:?}");
    program.wait_for_line_after(before, "reloaded: 1 of 2 zones");
    program.assert_running();
    serves_now(&program, "lab", 1);
    serves_now(&program, "other", 2);
    program.stop();
    // Nor is it the end of the next start.
    let program = lab.site.start();
    serves_now(&program, "lab", 1);
    serves_now(&program, "other", 2);
    program.stop();
}

#[test]
fn the_memory_of_a_zone_is_what_its_block_says() {
    let lab = lab();
    lab.write("lab", &format!("{}$GENERATE 0-9999 h$ A 192.0.2.9\n", zone(1)));
    configure_with(&lab, "memory-limit = \"1MiB\"");
    let checked = lab.site.check();
    let text = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!checked.status.success() && text.contains("more than 1 MiB of memory"), "{text}");
    configure_with(&lab, "memory-limit = \"16MiB\"");
    assert!(lab.site.check().status.success());
}

#[test]
fn a_server_that_was_killed_while_it_read_a_zone_begins_with_its_last_good_text() {
    let lab = lab();
    let Some(()) = killed_while_reading(&lab) else { return };
    let program = lab.site.start();
    serves_now(&program, "lab", 1);
    serves_now(&program, "other", 1);
    program.wait_for_line("the server was ended while it read");
    let ready = get(lab.admin, "/readyz");
    assert!(ready.code == 503 && ready.body.contains("the server was ended while it read"), "{ready:?}");
    // A request has it read again; then nothing is left of it.
    program.reload_and_wait();
    serves_now(&program, "lab", 2);
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    program.stop();
    let program = lab.site.start();
    serves_now(&program, "lab", 2);
    program.stop();
}

#[test]
fn a_zone_whose_file_has_changed_since_a_server_was_killed_over_it_is_read() {
    let lab = lab();
    let Some(()) = killed_while_reading(&lab) else { return };
    lab.write("lab", &zone(33));
    let program = lab.site.start();
    serves_now(&program, "lab", 33);
    program.stop();
}

#[test]
fn a_file_that_does_not_come_holds_up_no_other_zone_and_no_end() {
    let lab = lab();
    let program = lab.site.start();
    lab.write("lab", &zone(2));
    lab.write("other", &zone(2));
    let Some(lease) = Lease::on(&lab.file("lab.zone")) else { return };
    let begin = Instant::now();
    program.reload_and_wait();
    assert!(begin.elapsed() < FILE_WAIT_MAX, "{:?}", begin.elapsed());
    serves_now(&program, "lab", 1);
    serves_now(&program, "other", 2);
    let ready = get(lab.admin, "/readyz");
    assert!(ready.code == 503 && ready.body.contains("nothing has come of it for"), "{ready:?}");
    let reading = ready.body.lines().find(|line| line.starts_with("reading "));
    assert!(reading.is_some_and(|line| line.contains("lab.zone for ")), "{ready:?}");
    // It is not waited for again.
    lab.write("other", &zone(3));
    let begin = Instant::now();
    program.reload_and_wait();
    assert!(begin.elapsed() < FILE_WAIT_MAX / 4, "{:?}", begin.elapsed());
    serves_now(&program, "other", 3);
    // Its thread is still there, and nothing waits for it.
    let begin = Instant::now();
    program.stop();
    assert!(begin.elapsed() < FILE_WAIT_MAX / 2, "{:?}", begin.elapsed());
    drop(lease);
}

#[test]
fn a_start_serves_the_last_good_text_of_a_file_that_does_not_come() {
    let lab = lab();
    changed_after_a_stop(&lab);
    let Some(lease) = Lease::on(&lab.file("lab.zone")) else { return };
    let begin = Instant::now();
    let program = lab.site.start();
    assert!(begin.elapsed() < FILE_WAIT_MAX, "{:?}", begin.elapsed());
    serves_now(&program, "lab", 1);
    serves_now(&program, "other", 1);
    drop(lease);
    // The thread that waited has to come back first.
    wait_for("the file", PATIENCE, || {
        program.reload_and_wait();
        let found = sorted_addresses(program.listen(), "www.lab.example.", RecordType::A);
        (found == Some(vec![[192, 0, 2, 2].into()])).then_some(())
    });
    program.stop();
}

#[test]
fn a_file_that_comes_after_all_is_taken_over_by_itself() {
    let lab = Versions::watched(&ZONES);
    changed_after_a_stop(&lab);
    let Some(lease) = Lease::on(&lab.file("lab.zone")) else { return };
    let program = lab.site.start();
    serves_now(&program, "lab", 1);
    drop(lease);
    serves(&program, "lab", 2);
    program.stop();
}

#[test]
fn a_start_that_waits_for_a_file_can_be_ended() {
    let lab = lab();
    let Some(lease) = Lease::on(&lab.file("lab.zone")) else { return };
    let program = lab.site.spawn_as(|_| {});
    wait_for_mark(&lab);
    let begin = Instant::now();
    program.stop();
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert!(!lab.file(MARK).exists(), "it ended in good order");
    drop(lease);
}

/// A zone of many hosts.
fn many(serial: u8) -> String {
    (0..HOSTS).fold(zone(serial), |zone, host| zone + &format!("h{host} A 192.0.2.9\n"))
}

/// Asks for the last host all the while; it must never be missing. Returns how often it was asked for.
fn never_missing(program: &Program, once: impl FnOnce()) -> usize {
    let asked = AtomicUsize::new(0);
    let qname = format!("h{}.lab.example.", HOSTS - 1);
    let again = || {
        let response = ask(program.listen(), &qname, RecordType::A).expect("an answer");
        assert_eq!(response.metadata.response_code, ResponseCode::NoError, "half a zone is served");
        asked.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(2));
    };
    meanwhile(again, once);
    asked.into_inner()
}

#[test]
fn a_zone_file_that_is_written_with_pauses_is_served_whole_or_as_it_was() {
    let lab = Versions::watched(&ZONES);
    lab.write("lab", &many(1));
    let program = lab.site.start();
    lab.wait_for_kept("lab", |text| text.contains("h1999 "));
    let asked = never_missing(&program, || {
        for (pause, serial) in [(150, 2), (300, 3), (600, 4)] {
            let text = many(serial);
            let half = text[..text.len() / 2].rfind('\n').expect("lines") + 1;
            let mut file = File::create(lab.file("lab.zone")).expect("a scratch file");
            file.write_all(&text.as_bytes()[..half]).expect("a scratch file");
            std::thread::sleep(Duration::from_millis(pause));
            assert_eq!(get(lab.admin, "/readyz").code, 200);
            lab.wait_for_kept("lab", |text| text.contains("h1999 "));
            file.write_all(&text.as_bytes()[half..]).expect("a scratch file");
            drop(file);
            serves(&program, "lab", serial);
        }
        // In forty pieces, a tenth of a second apart.
        let text = many(5);
        let mut file = File::create(lab.file("lab.zone")).expect("a scratch file");
        for piece in text.as_bytes().chunks(text.len().div_ceil(40)) {
            file.write_all(piece).expect("a scratch file");
            std::thread::sleep(Duration::from_millis(100));
        }
        drop(file);
        serves(&program, "lab", 5);
    });
    assert!(asked > 100, "{asked}");
    // A version is served before its line is in the log.
    let reloads = || program.log().iter().filter(|line| line.text.contains("reloaded: ")).count();
    wait_for("a line for each file", PATIENCE, || (reloads() >= 4).then_some(()));
    assert_eq!(reloads(), 4, "each file is loaded once");
    program.stop();
}

#[test]
fn a_zone_that_a_script_appends_to_is_not_served_while_it_has_lost_more_than_half() {
    let lab = Versions::watched(&ZONES);
    lab.write("lab", &many(1));
    let program = lab.site.start();
    lab.wait_for_kept("lab", |text| text.contains("h1999 "));
    let text = many(1) + "more A 192.0.2.8\n";
    never_missing(&program, || {
        // Two fifths of it in twenty pieces, each of which makes a zone with those before it; that takes
        // longer than the longest wait for an end of changes.
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (number, piece) in lines[..lines.len() * 2 / 5].chunks(lines.len() / 50).enumerate() {
            let piece = piece.concat();
            // Opened and closed each time: the server cannot know that more will come.
            let mut options = OpenOptions::new();
            let file = if number == 0 { options.write(true).truncate(true) } else { options.append(true) };
            file.open(lab.file("lab.zone"))
                .and_then(|mut file| file.write_all(piece.as_bytes()))
                .expect("a scratch file");
            std::thread::sleep(Duration::from_millis(75));
        }
        lab.write("lab", &text);
        wait_for("the whole zone", PATIENCE, || {
            let response = ask(program.listen(), "more.lab.example.", RecordType::A)?;
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
    });
    program.stop();
}

#[test]
fn a_zone_that_is_meant_to_be_shorter_is_served_soon_and_kept_later() {
    let lab = Versions::watched(&ZONES);
    lab.write("lab", &many(1));
    let program = lab.site.start();
    lab.wait_for_kept("lab", |text| text.contains("h1999 "));
    lab.write("lab", &zone(1));
    let begin = Instant::now();
    wait_for("the shorter zone", PATIENCE, || {
        let response = ask(program.listen(), "h1999.lab.example.", RecordType::A).expect("an answer");
        (response.metadata.response_code == ResponseCode::NXDomain).then_some(())
    });
    println!("served after {:?}", begin.elapsed());
    program.wait_for_line("is unchanged for now");
    program.wait_for_line("kept as the last good one in 10 min");
    lab.wait_for_kept("lab", |text| text.contains("h1999 "));
    // Who raises the serial means it.
    lab.write("lab", &zone(2));
    lab.wait_for_kept("lab", |text| !text.contains("h1999 "));
    program.stop();
}

#[test]
fn a_reload_names_the_serials_of_what_has_changed_and_warns_of_one_that_has_not() {
    let lab = lab();
    let program = lab.site.start();
    let reloaded = |number: u8, text: &str| {
        let before = program.log_len();
        lab.write("lab", &zone(number));
        program.reload();
        let line = program.wait_for_line_after(before, "reloaded: ").text;
        assert!(line.contains(text), "{line}");
    };
    reloaded(2, "; lab.example. from serial 1 to 2");
    lab.write("lab", &zone(2).replace("www A 192.0.2.2", "www A 192.0.2.3"));
    let output = lab.site.run(&["reload", "--config", "edgedns.toml"]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("lab.example. changed, still serial 2"), "{said}");
    assert!(said.contains("the text has changed, the serial is still 2"), "{said}");
    let line = program.wait_for_line("the text has changed, the serial is still 2");
    assert!(line.text.contains("WARN") && line.text.contains("lab.zone:2:"), "{line:?}");
    let before = program.log_len();
    program.reload();
    let line = program.wait_for_line_after(before, "reloaded: ").text;
    assert!(!line.contains(';'), "nothing has changed: {line}");
    program.stop();
}

#[test]
fn what_stands_in_a_file_is_not_told_to_whoever_can_connect() {
    let lab = lab();
    // A file of secrets that was named as a zone.
    lab.write("lab", "s3cr3t-token another-s3cr3t\n");
    let program = lab.site.start();
    for path in ["/status", "/readyz", "/metrics"] {
        let body = get(lab.admin, path).body;
        assert!(body.contains("lab.zone:1:"), "{path} does not say where:\n{body}");
        assert!(!body.contains("s3cr3t"), "{path}:\n{body}");
    }
    let output = lab.site.run(&["status", "--config", "edgedns.toml", "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("s3cr3t"), "who may use the control socket sees it: {said}");
    program.stop();
}

#[test]
fn a_zone_includes_nothing_from_outside_unless_the_config_allows_it() {
    let lab = lab();
    let outside = tempfile::tempdir().expect("a scratch folder");
    fs::write(outside.path().join("www.inc"), "more A 192.0.2.7\n").expect("a scratch file");
    let include = format!("{}$INCLUDE {}/www.inc\n", zone(2), outside.path().display());
    let program = lab.site.start();
    lab.write("lab", &include);
    let before = program.log_len();
    program.reload_and_wait();
    let line = program.wait_for_line_after(before, "`include-folders`");
    assert!(line.text.contains("lab.zone:6:"), "{line:?}");
    serves_now(&program, "lab", 1);
    let text = fs::read_to_string(lab.file("edgedns.toml")).expect("a config file");
    let allowed = format!("[server]\ninclude-folders = [\"{}\"]", outside.path().display());
    lab.site.write("edgedns.toml", &text.replacen("[server]", &allowed, 1));
    program.reload_and_wait();
    serves_now(&program, "lab", 2);
    program.stop();
}
