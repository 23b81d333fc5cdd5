//! The quick start, run as it is written: each command of docs/quickstart.md, in its order, on a host of its own that is all
//! three masters. The Chinese page has the same commands.

use std::path::Path;
use std::process::Output;

use harness::program::{Site, executable, said};
use harness::tools::{in_own_network, tool};

const ENGLISH: &str = include_str!("../../docs/quickstart.md");
const CHINESE: &str = include_str!("../../docs/quickstart.zh-CN.md");

/// The line that serves until it is stopped.
const SERVE: &str = "sudo edgedns --config /etc/edgedns.toml";

/// The lines of the blocks for a shell.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).collect()
}

/// The three masters on one host, with files of its own: what is written to /etc, /run and /var/lib goes with it.
const HOST: &str = r#"
set -eu
ip link set lo up
for master in 13 14 15; do ip address add 192.0.2.$master/32 dev lo; done
cp -a /etc etc 2>/dev/null || true
mount --bind etc /etc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/edgedns /var/lib/edgedns bin
ln -s "$1" bin/edgedns
PATH=$PWD/bin:$PATH
sudo() { "$@"; }
edgedns certificate api.ocp4.example.com --certificate master.crt --key master.key >/dev/null
python3 masters.py >/dev/null & masters=$!
trap 'kill $masters ${server:-}; wait' EXIT
for _ in $(seq 400); do [ -e up ] && break; sleep 0.05; done
"#;

/// Masters whose API is ready, with routers and etcd.
const MASTERS: &str = r#"
import http.server, pathlib, socket, ssl, threading

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass

def serve(port, context=None):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Ready)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("master.crt", "master.key")
serve(6443, context)
serve(1936)
kept = [socket.create_server(("0.0.0.0", port)) for port in (443, 2380)]
pathlib.Path("up").touch()
threading.Event().wait()
"#;

/// Runs the commands on such a host; none where that cannot be.
fn run(site: &Site) -> Option<Output> {
    site.write("masters.py", MASTERS);
    let mut script = HOST.to_owned();
    for command in commands(ENGLISH) {
        script += "echo '## '; set +e\n";
        script += &match command {
            SERVE => format!(
                "{} >/dev/null 2>server.log & server=$!\n\
                 for _ in $(seq 400); do grep -q 'ready: ' server.log && break; sleep 0.05; done\n\
                 for _ in $(seq 400); do edgedns status >/dev/null && break; sleep 0.05; done\ntrue\n",
                // Not through the stand-in for sudo, whose end would not be that of the server.
                SERVE.trim_start_matches("sudo ")
            ),
            other => format!("{other}\n"),
        };
        script += "echo \"status $?\"; set -e\n";
    }
    tool("dig")?;
    let mut command = in_own_network(&["--mount"])?;
    command
        .args(["bash", "-c", &script, "host"])
        .arg(executable())
        .current_dir(site.folder())
        .env("NO_COLOR", "1");
    Some(command.output().expect("unshare runs"))
}

#[test]
fn every_command_of_the_quick_start_does_what_it_says() {
    let site = Site::new();
    let Some(output) = run(&site) else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<&str> = text.split("## \n").skip(1).collect();
    let commands = commands(ENGLISH);
    assert_eq!(told.len(), commands.len(), "{}\n{}", said(&output), log(&site));
    for (command, told) in commands.iter().zip(&told) {
        // What is in the way of a service on the host of the tests is its own matter.
        let may_fail = command.ends_with("--system");
        let holds = told.ends_with("status 0\n") || (may_fail && told.ends_with("status 1\n"));
        assert!(holds, "{command}\n{told}\n{}\n{}", said(&output), log(&site));
    }
    let of = |part: &str| {
        let at = commands.iter().position(|command| command.contains(part)).expect("a command");
        told[at].to_owned()
    };
    let after_force = commands.iter().rposition(|command| command.starts_with("dig")).expect("a command");
    assert_eq!(of("dig +short @192.0.2.13 api").lines().count(), 4, "three masters and the status");
    assert_eq!(told[after_force].lines().count(), 3, "{}", told[after_force]);
    assert!(!told[after_force].contains("192.0.2.14"), "{}", told[after_force]);
    assert!(of("edgedns status").contains("api.ocp4.example.com. A: 3 of 3 up"), "{}", of("edgedns status"));
    assert!(
        Path::new(&site.folder().join("99-master-edgedns.yaml"))
            .metadata()
            .is_ok_and(|meta| meta.len() > 1000)
    );
    assert!(site.folder().join("edgedns-support.tar.gz").exists());
}

fn log(site: &Site) -> String {
    std::fs::read_to_string(site.folder().join("server.log")).unwrap_or_default()
}

#[test]
fn the_chinese_page_has_the_same_commands() {
    assert_eq!(commands(CHINESE), commands(ENGLISH));
    assert!(commands(ENGLISH).len() > 10);
}
