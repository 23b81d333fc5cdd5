//! A stand-in for the API server of a cluster: lists and watches of nodes, or of pods, over HTTPS, with bookmarks and a history that ends.
//! It can say what makes no sense, half of it, or nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::crypto::provider;
use crate::{PATIENCE, free_port, loopback};

/// The token that it wants to see.
pub const TOKEN: &str = "correct-horse";

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Well,
    /// It refuses with a status.
    Refusing(u16),
    /// It says what is no JSON.
    Broken,
    /// It ends in the middle of what it says.
    Half,
    /// It says nothing.
    Silent,
    /// Its lists go on and on.
    Endless,
    /// It says well who is there, and of what becomes of them one thing of use and then nonsense.
    Raving,
}

/// An API server, which ends with this.
pub struct ApiServer {
    address: SocketAddr,
    folder: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    tls: Arc<ServerConfig>,
}

struct State {
    /// Nodes and pods, as JSON without a version.
    objects: BTreeMap<String, String>,
    version: u64,
    /// What has happened, and what it made the version.
    history: Vec<(u64, String)>,
    /// What happened up to here is forgotten.
    forgotten: u64,
    manner: Manner,
    /// Watches that stand end when this grows.
    cut: u64,
    requests: Vec<String>,
    is_over: bool,
}

impl ApiServer {
    /// Starts one without nodes.
    pub fn start() -> ApiServer {
        let address = free_port(loopback());
        let folder = tempfile::tempdir().expect("a folder");
        let key = || rcgen::KeyPair::generate().expect("a key");
        let (authority_key, server_key) = (key(), key());
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key).expect("a certificate").pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let names = vec![address.ip().to_string(), "api-int.lab.example".to_owned()];
        let server = rcgen::CertificateParams::new(names).expect("names");
        let certificate = server.signed_by(&server_key, &issuer).expect("a certificate");
        let tls = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
            )
            .expect("a certificate with its key");
        let state = State {
            objects: BTreeMap::new(),
            version: 100,
            history: Vec::new(),
            forgotten: 0,
            manner: Manner::Well,
            cut: 0,
            requests: Vec::new(),
            is_over: false,
        };
        let shared = Shared { state: Mutex::new(state), changed: Condvar::new(), tls: Arc::new(tls) };
        let server = ApiServer { address, folder, shared: Arc::new(shared) };
        server.write_kubeconfig(&format!("https://{address}"), &pem);
        server.listen();
        server
    }

    fn write_kubeconfig(&self, url: &str, authority: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
             contexts:\n- name: lab\n  context: {{cluster: lab, user: edgedns}}\n\
             clusters:\n- name: lab\n  cluster:\n    server: {url}\n    certificate-authority-data: {}\n\
             users:\n- name: edgedns\n  user:\n    token: {TOKEN}\n",
            STANDARD.encode(authority)
        );
        fs::write(self.kubeconfig(), text).expect("a file");
    }

    fn listen(&self) {
        let listener = TcpListener::bind(self.address).expect("a free port");
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.state().is_over {
                    return;
                }
                let shared = Arc::clone(&shared);
                // Whoever has gone is of no interest.
                std::thread::spawn(move || drop(stream.and_then(|stream| serve(&shared, stream))));
            }
        });
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig for it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A folder that ends with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A node is there, ready or not.
    pub fn put(&self, name: &str, address: Ipv4Addr) {
        self.put_object(name, &node(name, &address.to_string()));
    }

    /// A pod is there, in a phase, on the network of a host.
    pub fn put_pod(&self, name: &str, phase: &str, host: Ipv4Addr) {
        self.put_object(name, &pod(name, phase, &host.to_string()));
    }

    /// An object is there, whose JSON has VERSION where its version is to stand.
    pub fn put_object(&self, name: &str, object: &str) {
        let mut state = self.shared.state();
        let kind = if state.objects.insert(name.to_owned(), object.to_owned()).is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        state.happened(kind, object);
        self.shared.changed.notify_all();
    }

    /// A node or pod is gone.
    pub fn delete(&self, name: &str) {
        let mut state = self.shared.state();
        let object = state.objects.remove(name).expect("it was there");
        state.happened("DELETED", &object);
        self.shared.changed.notify_all();
    }

    /// Tells watchers up to where nothing else has happened; that version.
    pub fn bookmark(&self) -> u64 {
        let mut state = self.shared.state();
        state.version += 50;
        let version = state.version;
        let event = format!(
            r#"{{"type":"BOOKMARK","object":{{"kind":"Node","metadata":{{"resourceVersion":"{version}"}}}}}}"#
        );
        state.history.push((version, event));
        self.shared.changed.notify_all();
        version
    }

    /// Forgets what has happened, and ends watches.
    pub fn forget(&self) {
        let mut state = self.shared.state();
        state.version += 1000;
        state.forgotten = state.version;
        state.history.clear();
        state.cut += 1;
        self.shared.changed.notify_all();
    }

    /// Ends watches, which may go on from where they were.
    pub fn cut(&self) {
        self.shared.state().cut += 1;
        self.shared.changed.notify_all();
    }

    /// Behaves otherwise from now on; watches that stand end.
    pub fn behave(&self, manner: Manner) {
        let mut state = self.shared.state();
        state.manner = manner;
        state.cut += 1;
        self.shared.changed.notify_all();
    }

    /// What was asked.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        (state.is_over, state.cut) = (true, state.cut + 1);
        self.shared.changed.notify_all();
        drop(state);
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test has panicked with it")
    }
}

impl State {
    fn happened(&mut self, kind: &str, object: &str) {
        self.version += 1;
        let object = versioned(object, self.version);
        self.history.push((self.version, format!(r#"{{"type":"{kind}","object":{object}}}"#)));
    }

    /// A page of the nodes.
    fn page(&self, query: &str) -> String {
        let number = |key: &str| value(query, key).and_then(|text| text.parse::<usize>().ok());
        let (from, limit) = (number("continue").unwrap_or_default(), number("limit").unwrap_or(1).min(2));
        let items = self.objects.values().skip(from).take(limit);
        let items: Vec<String> = items.map(|object| versioned(object, self.version)).collect();
        let next = from + limit;
        let has_more = next < self.objects.len() || self.manner == Manner::Endless;
        let more = if has_more { next.to_string() } else { String::new() };
        format!(
            r#"{{"kind":"NodeList","metadata":{{"resourceVersion":"{}","continue":"{more}"}},"items":[{}]}}"#,
            self.version,
            items.join(",")
        )
    }
}

fn node(name: &str, address: &str) -> String {
    format!(
        r#"{{"kind":"Node","metadata":{{"name":"{name}","resourceVersion":"VERSION"}},"status":{{"addresses":[
            {{"type":"InternalIP","address":"{address}"}},{{"type":"Hostname","address":"{name}"}}],
            "conditions":[{{"type":"Ready","status":"Unknown"}}]}}}}"#
    )
}

fn pod(name: &str, phase: &str, host: &str) -> String {
    format!(
        r#"{{"kind":"Pod","metadata":{{"name":"{name}","resourceVersion":"VERSION"}},"spec":{{"hostNetwork":true}},
            "status":{{"phase":"{phase}","hostIP":"{host}","podIPs":[{{"ip":"{host}"}}]}}}}"#
    )
}

fn versioned(object: &str, version: u64) -> String {
    object.replace('\n', " ").replace("VERSION", &version.to_string())
}

/// The value of a key of a query.
fn value<'q>(query: &'q str, key: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let session = ServerConnection::new(Arc::clone(&shared.tls)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(session, stream);
    loop {
        let Some(head) = head(&mut stream)? else { return Ok(()) };
        let target = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let manner = {
            let mut state = shared.state();
            state.requests.push(target.clone());
            state.manner
        };
        let is_known = head.to_ascii_lowercase().contains(&format!("authorization: bearer {TOKEN}"));
        let query = target.split_once('?').map_or("", |(_, query)| query).to_owned();
        match manner {
            Manner::Silent => wait_for_another(shared, manner),
            Manner::Refusing(status) => refuse(&mut stream, status)?,
            _ if !is_known => refuse(&mut stream, 401)?,
            Manner::Broken => respond(&mut stream, "{\"kind\":\"NodeList\",\"items\":[{]")?,
            Manner::Half => {
                let body = shared.state().page(&query);
                let half = &body[..body.len() / 2];
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}", body.len())?;
                return stream.flush();
            }
            Manner::Endless if value(&query, "watch").is_some() => refuse(&mut stream, 410)?,
            Manner::Raving if value(&query, "watch").is_some() => return rave(shared, &mut stream),
            Manner::Well if value(&query, "watch").is_some() => return watch(shared, &mut stream, &query),
            Manner::Well | Manner::Endless | Manner::Raving => {
                let body = shared.state().page(&query);
                respond(&mut stream, &body)?;
            }
        }
    }
}

/// Waits until it behaves otherwise.
fn wait_for_another(shared: &Shared, manner: Manner) {
    let state = shared.state();
    drop(shared.changed.wait_while(state, |state| state.manner == manner && !state.is_over));
}

/// The head of the next request; none: there is no other.
fn head(stream: &mut Stream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

fn respond(stream: &mut Stream, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

fn refuse(stream: &mut Stream, status: u16) -> std::io::Result<()> {
    let body = format!(r#"{{"kind":"Status","status":"Failure","message":"no","code":{status}}}"#);
    write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

fn watch(shared: &Shared, stream: &mut Stream, query: &str) -> std::io::Result<()> {
    let mut known: u64 =
        value(query, "resourceVersion").and_then(|text| text.parse().ok()).unwrap_or_default();
    write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    stream.flush()?;
    let mut state = shared.state();
    let cut = state.cut;
    loop {
        if known < state.forgotten {
            let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
            drop(state);
            chunk(stream, &format!("{gone}\n"))?;
            return end(stream);
        }
        let events: Vec<(u64, String)> =
            state.history.iter().filter(|(version, _)| *version > known).cloned().collect();
        if events.is_empty() {
            if state.cut != cut {
                drop(state);
                return end(stream);
            }
            let waited = shared.changed.wait_timeout(state, Duration::from_millis(200));
            state = waited.expect("no test has panicked with it").0;
            continue;
        }
        drop(state);
        for (version, event) in events {
            // In two parts: a line may come in pieces.
            let (first, second) = event.split_at(event.len() / 2);
            chunk(stream, first)?;
            chunk(stream, &format!("{second}\n"))?;
            known = version;
        }
        state = shared.state();
    }
}

/// A watch that says one thing of use, and then nonsense.
fn rave(shared: &Shared, stream: &mut Stream) -> std::io::Result<()> {
    let bookmark = {
        let version = shared.state().version;
        format!(
            r#"{{"type":"BOOKMARK","object":{{"kind":"Node","metadata":{{"resourceVersion":"{version}"}}}}}}"#
        )
    };
    write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    chunk(stream, &format!("{bookmark}\n"))?;
    chunk(stream, "{\"type\":\"nonsense\"\n")?;
    end(stream)
}

fn chunk(stream: &mut Stream, part: &str) -> std::io::Result<()> {
    write!(stream, "{:x}\r\n{part}\r\n", part.len())?;
    stream.flush()
}

fn end(stream: &mut Stream) -> std::io::Result<()> {
    write!(stream, "0\r\n\r\n")?;
    stream.flush()
}
