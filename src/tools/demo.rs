//! `edgedns demo`: the example cluster, with masters that come and go.
//!
//! Plays the masters on loopback, and shows how the answers change. Serving is the daemon's own loop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::daemon::{Error, run};
use crate::dns::message::Header;
use crate::source::Look;
use crate::transport::Inherited;

const CONFIG: &str = include_str!("../../zones/edgedns.toml");
const ZONE: &str = include_str!("../../zones/ocp4.example.com.zone");
const ZONE_FILE: &str = "ocp4.example.com.zone";
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5300);

/// The masters of the example zone.
const MASTERS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(127, 0, 1, 13), Ipv4Addr::new(127, 0, 1, 14), Ipv4Addr::new(127, 0, 1, 15)];
const API_PORT: u16 = 6443;
const INGRESS_PORT: u16 = 443;
/// The ingress port for those who may not open one below 1024.
const INGRESS_PORT_UNPRIVILEGED: u16 = 8443;

/// How long each state of the cluster lasts.
const STATE_LASTS: Duration = Duration::from_secs(4);

/// What is asked after each change.
const SHOWN: [&str; 2] = ["api.ocp4.example.com", "console.apps.ocp4.example.com"];

/// Runs the example cluster until the operator stops it.
///
/// # Errors
///
/// When an address on loopback cannot be had, or the server does not start.
pub async fn demo() -> Result<(), Error> {
    let folder = Folder::new().map_err(Error::System)?;
    let mut masters = Vec::new();
    for address in MASTERS {
        masters.push(Master::up(address).await.map_err(Error::System)?);
    }
    let ingress = masters.iter().map(|master| master.ingress).max().unwrap_or(INGRESS_PORT);
    let zone = ZONE.replace("ifportup(443, ", &format!("ifportup({ingress}, "));
    let config = folder.write(&zone).map_err(Error::System)?;
    introduce(ingress, &config);
    let mut serving = tokio::spawn(run(config, Look::Plain, Inherited::none()));
    tokio::select! {
        ended = &mut serving => ended.unwrap_or_else(|fault| Err(Error::System(io::Error::other(fault)))),
        fault = come_and_go(&mut masters) => Err(Error::System(fault)),
    }
}

fn introduce(ingress: u16, config: &Path) {
    println!("The example cluster: three masters on 127.0.1.13, .14 and .15, stand-ins that listen on");
    println!("ports {API_PORT} (api) and {ingress} (ingress) and come and go. In another terminal, try:\n");
    let port = SERVER.port();
    println!("    dig @127.0.0.1 -p {port} api.ocp4.example.com +short");
    println!("    dig @127.0.0.1 -p {port} console.apps.ocp4.example.com +short");
    println!("    dig @127.0.0.1 -p {port} _etcd-server-ssl._tcp.ocp4.example.com SRV");
    println!("    dig @127.0.0.1 -p {port} nothing.ocp4.example.com\n");
    println!("or look at http://127.0.0.1:9653/, or ask the server itself:\n");
    let config = config.display();
    println!("    edgedns status --watch --config {config}");
    println!("    edgedns explain api.ocp4.example.com --config {config}");
    println!("    edgedns trace --config {config}");
    println!("    edgedns force '127.0.1.14:*' down --for 1m --config {config}\n");
    println!("Ctrl-C ends it.\n");
}

/// Takes masters down and up in turn, for ever.
async fn come_and_go(masters: &mut [Master]) -> io::Error {
    sleep(STATE_LASTS).await;
    show().await;
    loop {
        for place in 0..masters.len() {
            for state in [State::Down, State::Up] {
                let Some(master) = masters.get_mut(place) else { continue };
                println!("\n── master-{place} ({}) {state} ──", master.address);
                if let Err(fault) = master.become_(state).await {
                    return fault;
                }
                sleep(STATE_LASTS).await;
                show().await;
            }
        }
    }
}

/// Prints what the server answers now.
async fn show() {
    for name in SHOWN {
        let answer = tokio::task::spawn_blocking(move || ask(name)).await;
        match answer {
            Ok(Ok(addresses)) => println!("   {name:<30} {}", addresses.join("  ")),
            Ok(Err(fault)) => println!("   {name:<30} no answer: {fault}"),
            Err(_) => {}
        }
    }
}

/// Whether a master is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Down,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Up => "comes back",
            State::Down => "goes away",
        })
    }
}

/// A stand-in for a master: listeners that accept and hang up.
struct Master {
    address: Ipv4Addr,
    ingress: u16,
    listeners: Vec<JoinHandle<()>>,
}

impl Master {
    /// A master that is there, on the privileged ingress port if that may be opened.
    async fn up(address: Ipv4Addr) -> io::Result<Master> {
        let mut master = Master { address, ingress: INGRESS_PORT, listeners: Vec::new() };
        match master.become_(State::Up).await {
            Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied => {
                master.ingress = INGRESS_PORT_UNPRIVILEGED;
                master.become_(State::Up).await?;
            }
            other => other?,
        }
        Ok(master)
    }

    async fn become_(&mut self, state: State) -> io::Result<()> {
        for listener in self.listeners.drain(..) {
            listener.abort();
            // The port is free when the task is gone.
            let _ = listener.await;
        }
        if state == State::Up {
            for port in [API_PORT, self.ingress] {
                let address = SocketAddr::from((self.address, port));
                let listener = TcpListener::bind(address).await.map_err(|fault| at(address, &fault))?;
                self.listeners.push(tokio::spawn(async move {
                    // A port that accepts is all that the example's probes ask for.
                    while let Ok((connection, _)) = listener.accept().await {
                        drop(connection);
                    }
                }));
            }
        }
        Ok(())
    }
}

fn at(address: SocketAddr, fault: &io::Error) -> io::Error {
    io::Error::new(fault.kind(), format!("{address}: {fault}"))
}

/// Asks the server for the A records of a name, as `dig +short` does.
fn ask(name: &str) -> io::Result<Vec<String>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.connect(SERVER)?;
    let name: crate::dns::Name = name.parse().map_err(io::Error::other)?;
    let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name.as_ref().wire());
    query.extend_from_slice(&[0, 1, 0, 1]);
    socket.send(&query)?;
    let mut response = [0; 512];
    let length = socket.recv(&mut response)?;
    let answers = Header::read(&response[..length]).map_or(0, |header| usize::from(header.counts[1]));
    // All records are A records with a pointer for an owner: 16 bytes each.
    let records = response[..length].get(query.len()..).unwrap_or_default().chunks_exact(16).take(answers);
    let mut addresses: Vec<String> = records
        .filter_map(|record| record.last_chunk::<4>())
        .map(|octets| Ipv4Addr::from(*octets).to_string())
        .collect();
    addresses.sort_unstable();
    Ok(addresses)
}

/// A folder for the example's files, gone when the demo is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("edgedns-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }

    /// Writes config and zone; returns the config's path.
    fn write(&self, zone: &str) -> io::Result<PathBuf> {
        let config = self.path().join("edgedns.toml");
        std::fs::write(self.path().join(ZONE_FILE), zone)?;
        // Masters that come and go are the very example; and several demos have each their own socket.
        let text = CONFIG
            .replace("[probe]", "[probe]\nflap-limit = 0")
            .replace("[admin]", "[admin]\nsocket = \"control.sock\"");
        std::fs::write(&config, text)?;
        Ok(config)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
