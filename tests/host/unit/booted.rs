//! systemd as process 1 starts the unit, watches it, reloads it and starts it again.

use super::machine::{CONFIG, Plan, said_by, zone};

const BROKEN: &str = "$TTL 60\n@ SOA ns root 2 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\napi AA 127.0.0.1";

#[test]
fn it_is_ready_after_the_first_round_and_before_kubelet_begins() {
    let Some(machine) = Plan::new().boot() else { return };
    assert_eq!(machine.answer(), "127.0.0.1");
    assert_eq!(machine.show("edgedns.service", "StatusText"), "1 pool: api 1/2");
    let moment =
        |unit: &str, property: &str| -> u64 { machine.show(unit, property).parse().expect("a moment") };
    let ready = moment("edgedns.service", "ActiveEnterTimestampMonotonic");
    let begun = moment("kubelet.service", "ExecMainStartTimestampMonotonic");
    assert!(0 < ready && ready <= begun, "ready at {ready}, kubelet begun at {begun}");
    // It has made do with what it was left: a user of its own, one capability, no way to more.
    let process = machine.show("edgedns.service", "MainPID");
    let status = machine.done(&format!("cat /proc/{process}/status"));
    let field = |name: &str| {
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{status}"));
        line.split_whitespace().next().expect("a value").to_owned()
    };
    assert_ne!(field("Uid:"), "0");
    for set in ["CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(u64::from_str_radix(&field(set), 16).expect("a number"), 1 << 10, "{set}");
    }
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn it_starts_when_every_master_is_down() {
    let plan = Plan::new();
    plan.write("units/master.socket", "[Socket]\nListenStream=127.0.0.1:6444\n");
    let Some(machine) = plan.boot() else { return };
    // The node's own address first, although the service sees little of /proc.
    for _ in 0..4 {
        assert_eq!(machine.answer(), "127.0.0.1 127.0.1.2");
    }
    assert_eq!(machine.show("edgedns.service", "StatusText"), "1 pool: api 0/2 all down");
    assert_eq!(machine.show("kubelet.service", "ActiveState"), "active");
}

#[test]
fn the_journal_finds_a_line_by_what_it_is_about() {
    let Some(machine) = Plan::new().boot() else { return };
    let found = |index: &str| machine.done(&format!("journalctl --no-pager --output cat {index}"));
    let down = "127.0.1.2:6443 down after 1 failure: connection refused (api.lab.example. now 127.0.0.1)";
    for index in [
        "TARGET=127.0.1.2:6443",
        "POOL=api.lab.example.",
        "VERDICT=down",
        "_SYSTEMD_UNIT=edgedns.service -p warning",
    ] {
        assert_eq!(found(index), down, "{index}");
    }
    let loaded = "zone lab.example. serial 1: 5 records from /etc/edgedns/lab.zone";
    assert_eq!(found("ZONE=lab.example. SERIAL=1 -p info"), loaded);
    let generations = machine.done("journalctl --field GENERATION");
    assert!(generations.parse::<u64>().is_ok_and(|generation| generation > 0), "{generations}");
}

#[test]
fn a_reload_that_is_refused_fails_and_what_was_served_is_served_on() {
    let Some(machine) = Plan::new().boot() else { return };
    machine.write_zone(&zone(2));
    machine.done("systemctl reload edgedns.service");
    assert_eq!(machine.done("dig +short @127.0.0.1 lab.example SOA | cut -d' ' -f3"), "2");

    machine.write_zone(BROKEN);
    let refused = machine.run("systemctl reload edgedns.service");
    assert!(!refused.status.success(), "{}", said_by(&refused));
    let log = machine.log();
    for line in ["lab.zone:5:", "reloaded: 0 of 1 zones, 1 stay as they were"] {
        assert!(log.contains(line), "{line:?} is not in\n{log}");
    }
    machine.wait_for("ActiveState", "active");
    // The files have been seen to change, too: that reload may come behind the one that was asked for.
    machine.wait_for("SubState", "running");
    let status = machine.show("edgedns.service", "StatusText");
    assert!(status.starts_with("zone lab.example. stays at serial 2: "), "{status}");
    assert_eq!(machine.answer(), "127.0.0.1");

    machine.done("echo broken >/etc/edgedns.toml");
    assert!(!machine.run("systemctl reload edgedns.service").status.success());
    assert_eq!(machine.answer(), "127.0.0.1");

    machine.write_zone(&zone(3));
    machine.done(&format!("cat >/etc/edgedns.toml <<'END'\n{CONFIG}\nEND"));
    machine.done("systemctl reload edgedns.service");
    machine.wait_for("StatusText", "1 pool: api 1/2");
    assert_eq!(machine.show("edgedns.service", "NRestarts"), "0");
}

#[test]
fn it_is_started_again_when_it_hangs_and_when_it_dies_and_kubelet_notices_nothing() {
    let plan = Plan::new();
    // As installed it takes ten seconds to be found hanging.
    plan.write("units/edgedns.service.d/quick.conf", "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n");
    let Some(machine) = plan.boot() else { return };
    let kubelet = machine.show("kubelet.service", "MainPID");
    // Longer than the watchdog, because it is fed.
    machine.done("sleep 3");
    assert_eq!(machine.show("edgedns.service", "NRestarts"), "0");

    machine.done("systemctl kill --kill-whom=main --signal=STOP edgedns.service");
    machine.wait_for("NRestarts", "1");
    machine.wait_for("StatusText", "1 pool: api 1/2");
    assert!(machine.log().contains("Watchdog timeout (limit 2s)!"), "{}", machine.log());

    for restarts in 2..8 {
        machine.wait_for("ActiveState", "active");
        machine.done("systemctl kill --kill-whom=main --signal=KILL edgedns.service");
        machine.wait_for("NRestarts", &restarts.to_string());
    }
    machine.wait_for("StatusText", "1 pool: api 1/2");
    assert_eq!(machine.answer(), "127.0.0.1");
    assert_eq!(machine.show("kubelet.service", "MainPID"), kubelet);
    assert_eq!(machine.show("kubelet.service", "NRestarts"), "0");
}

#[test]
fn kubelet_begins_although_edgedns_cannot() {
    let plan = Plan::new();
    plan.write("etc/edgedns.toml", "broken");
    let Some(machine) = plan.boot() else { return };
    assert_eq!(machine.show("kubelet.service", "ActiveState"), "active");
    assert_ne!(machine.show("edgedns.service", "ActiveState"), "active");
    // It is tried again and again, and starts once it has been repaired.
    machine.done(&format!("cat >/etc/edgedns.toml <<'END'\n{CONFIG}\nEND"));
    machine.wait_for("ActiveState", "active");
    assert_eq!(machine.answer(), "127.0.0.1");
}

#[test]
fn without_a_config_file_nothing_is_started() {
    let plan = Plan::new();
    plan.write("etc/elsewhere.toml", CONFIG);
    plan.remove("etc/edgedns.toml");
    let Some(machine) = plan.boot() else { return };
    assert_eq!(machine.show("edgedns.service", "ConditionResult"), "no");
    assert_eq!(machine.show("edgedns.service", "ActiveState"), "inactive");
    assert_eq!(machine.show("kubelet.service", "ActiveState"), "active");
}

#[test]
fn what_an_operator_has_forced_outlives_a_restart_without_a_line_of_config() {
    let Some(machine) = Plan::new().boot() else { return };
    machine.done("edgedns force '127.0.0.1:*' down --reason kernel");
    machine.wait_for("StatusText", "1 pool: api 0/2 all down");
    machine.done("systemctl restart edgedns.service");
    machine.wait_for("StatusText", "1 pool: api 0/2 all down");
    let table = said_by(&machine.run("edgedns status"));
    assert!(table.contains("kernel"), "{table}");
}

/// The filter of systemd 239 lets nothing through that is younger than it. A C library that is told that such
/// a call is not there takes an older one; one that is told that it may not call it gives up, with the first
/// thread.
#[test]
fn it_needs_no_system_call_that_the_systemd_of_el8_does_not_know() {
    let plan = Plan::new();
    let younger = "clone3 close_range openat2 faccessat2 epoll_pwait2 futex_waitv rseq statx pidfd_open";
    plan.write("units/edgedns.service.d/old.conf", &format!("[Service]\nSystemCallFilter=~{younger}\n"));
    let Some(machine) = plan.boot() else { return };
    assert_eq!(machine.show("edgedns.service", "NRestarts"), "0", "{}", machine.log());
    assert_eq!(machine.answer(), "127.0.0.1");
    machine.done("systemctl reload edgedns.service");
}

#[test]
fn workers_may_keep_to_their_cores() {
    let Some(machine) = Plan::new().boot() else { return };
    machine.done("sed -i 's/^\\[server\\]/&\\naffinity = \"cores\"/' /etc/edgedns.toml");
    machine.done("systemctl reload edgedns.service");
    let process = machine.show("edgedns.service", "MainPID");
    let workers = format!("cd /proc/{process}/task; grep -l edgedns-udp */comm | sed 's/comm/status/'");
    let kept = machine
        .done(&format!("cd /proc/{process}/task; awk '/^Cpus_allowed_list/ {{ print $2 }}' $({workers})"));
    let mut cores: Vec<&str> = kept.lines().collect();
    cores.sort_unstable();
    cores.dedup();
    // Each on one that no other has, as many as there are.
    let there_are = std::thread::available_parallelism().expect("cores").get();
    assert_eq!((cores.len(), kept.lines().count()), (there_are, there_are), "{kept}\n{}", machine.log());
    assert!(cores.iter().all(|core| core.parse::<usize>().is_ok()), "{kept}");
    assert_eq!(machine.answer(), "127.0.0.1");
}

#[test]
fn queries_wait_in_the_sockets_of_a_socket_unit_while_it_restarts() {
    let plan = Plan::new();
    plan.write(
        "units/edgedns.socket",
        "[Socket]\nListenDatagram=127.0.0.1:53\nListenStream=127.0.0.1:53\nBindIPv6Only=ipv6-only\n",
    );
    plan.write(
        "units/edgedns.service.d/socket.conf",
        "[Unit]\nRequires=edgedns.socket\nAfter=edgedns.socket\n",
    );
    let Some(machine) = plan.boot() else { return };
    assert_eq!(machine.answer(), "127.0.0.1");
    let asked = "dig +short +tries=1 +time=10 @127.0.0.1 api.lab.example A";
    for protocol in ["+notcp", "+tcp"] {
        // One that is stopped by hand is started again by the query that comes in.
        machine.done("systemctl stop edgedns.service");
        assert_eq!(machine.done(&format!("{asked} {protocol}")), "127.0.0.1", "{protocol}");
    }
}
