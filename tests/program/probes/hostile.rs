//! Hostile targets: a table of what they do, and the servers that do it. They count the connections that
//! clients keep open.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use edgedns::probe::{Dialogue, Grpc, Http, Https, Path, Port, ProbeKind, Step, Tcp, Tls};
use edgedns::tls::{AlpnProtocol, Handshake};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::https::lax;
use super::tls::Authority;

/// A flood pauses this often, so that many of them leave time for others.
const FLOOD_PAUSE: Duration = Duration::from_millis(10);

/// What a flood sends between two pauses, in bytes: some hundred frames, or the longest head that is read
/// within a third of a second.
const FLOOD_BYTES: usize = 2 << 10;

/// From one piece of a trickle to the next: far less than any timeout here.
const TRICKLE_PAUSE: Duration = Duration::from_millis(10);

/// What is spoken until the target misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nothing: the connection waits in the listener's queue.
    Nothing,
    /// HTTP/1 over TCP.
    Http,
    /// Only the client speaks TLS.
    Handshake,
    /// HTTP/1 over TLS.
    Https,
    /// HTTP/2 over TLS.
    Http2,
}

/// What follows the answer to the first request.
#[derive(Clone)]
pub(crate) enum Then {
    /// Sends nothing more, but reads everything.
    Silence,
    /// Sends and reads nothing more.
    Stall,
    /// This, again and again, as fast as it is taken, but for pauses.
    Flood(Vec<u8>),
    /// The bytes of this, one by one and again and again.
    Trickle(Vec<u8>),
    /// The next request is answered likewise.
    Again,
    /// The target has said all.
    HalfClose,
    Close,
    Reset,
}

/// One way to misbehave.
#[derive(Clone)]
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) over: Over,
    /// Sent at once.
    opening: Vec<u8>,
    /// Sent when the first request has come.
    answer: Vec<u8>,
    then: Then,
}

fn hostile(name: &'static str, over: Over, answer: impl AsRef<[u8]>, then: Then) -> Hostile {
    Hostile { name, over, opening: Vec::new(), answer: answer.as_ref().to_vec(), then }
}

/// All of them.
pub(crate) fn all() -> Vec<Hostile> {
    let mut all = vec![hostile("accepts nothing", Over::Nothing, "", Then::Stall)];
    all.extend(in_the_handshake());
    all.extend([Over::Http, Over::Https].into_iter().flat_map(over_http_1));
    all.extend(over_http_2());
    all.extend(over_a_stream());
    all
}

/// What answers a ClientHello.
fn in_the_handshake() -> Vec<Hostile> {
    let answers = |name, answer: &[u8], then| hostile(name, Over::Handshake, answer, then);
    // The head of a record of 16 kB, of type handshake (RFC 8446, section 5.1).
    let record = [22, 3, 3, 0x40, 0];
    // A warning about nothing (RFC 5246, section 7.2).
    let warning = vec![21, 3, 3, 0, 2, 1, 90];
    vec![
        answers("says nothing to a handshake", b"", Then::Silence),
        answers("reads no handshake", b"", Then::Stall),
        answers("begins a record and stops", &record, Then::Silence),
        answers("trickles a record", &record, Then::Trickle(vec![2])),
        answers("floods records", b"", Then::Flood([&record[..], &[0; 0x4000]].concat())),
        answers("floods warnings", b"", Then::Flood(warning)),
        answers("speaks no TLS", b"220 lab.example ESMTP\r\n", Then::Silence),
        answers("ends in the handshake", b"", Then::HalfClose),
        answers("closes in the handshake", b"", Then::Close),
        answers("resets in the handshake", b"", Then::Reset),
    ]
}

/// What answers a request over HTTP/1.
fn over_http_1(over: Over) -> Vec<Hostile> {
    let answers = |name, answer: &str, then| hostile(name, over, answer, then);
    let again = |text: &str| Then::Flood(text.as_bytes().to_vec());
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    vec![
        answers("says nothing", "", Then::Silence),
        answers("reads nothing", "", Then::Stall),
        answers("head without end", "HTTP/1.1 200 OK\r\n", again("X-More: more\r\n")),
        answers("one header without end", "HTTP/1.1 200 OK\r\nX-More: ", again("more")),
        answers("head that trickles", "HTTP/1.1 200 OK\r\nX-More: ", Then::Trickle(b"m".to_vec())),
        answers("head that stops", "HTTP/1.1 200 OK\r\nX-Mo", Then::Silence),
        answers("body without end", "HTTP/1.1 200 OK\r\n\r\n", again("more")),
        answers("body that trickles", "HTTP/1.1 200 OK\r\n\r\n", Then::Trickle(b"m".to_vec())),
        answers("body that stops", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nmore", Then::Silence),
        answers("interim responses without end", "", again("HTTP/1.1 102 Processing\r\n\r\n")),
        answers(
            "two lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            Then::Silence,
        ),
        answers("a chunk that is announced", &format!("{chunked}ffff\r\n"), Then::Silence),
        answers("chunk extension without end", &format!("{chunked}1;"), again("more")),
        answers("trailers without end", &format!("{chunked}0\r\n"), again("X-More: more\r\n")),
        answers("chunks of no length", &format!("{chunked}-1\r\n"), Then::Silence),
        answers(
            "redirect that goes round",
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
            Then::Again,
        ),
        answers(
            "redirect and silence",
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
            Then::Silence,
        ),
        answers(
            "redirect whose body stops",
            "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\n",
            Then::Silence,
        ),
        answers(
            "redirect elsewhere",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
            Then::Again,
        ),
        answers("not ready", "HTTP/1.1 503 \x1b[31m<b>\r\nContent-Length: 0\r\n\r\n", Then::Again),
        answers(
            "a response nobody asked for",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            Then::Silence,
        ),
        answers("ends", "", Then::HalfClose),
        answers("closes", "HTTP/1.1 200 OK\r\nX-Mo", Then::Close),
        answers("resets", "HTTP/1.1 200 OK\r\nX-Mo", Then::Reset),
    ]
}

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0xfa;
const END_HEADERS: u8 = 4;

/// `:status 200` (RFC 7541, appendix A).
const STATUS_200: &[u8] = &[0x88];

/// `:status` and `location` as literals without index (RFC 7541, section 6.2.2).
fn fields(status: &str, location: Option<&str>) -> Vec<u8> {
    let literal = |name: u8, value: &str| {
        let length = u8::try_from(value.len()).expect("a short value");
        // Names of the static table: 15 at once, what is above follows.
        let name = if name < 15 { vec![name] } else { vec![15, name - 15] };
        [&name, &[length][..], value.as_bytes()].concat()
    };
    [literal(8, status), location.map(|location| literal(46, location)).unwrap_or_default()].concat()
}

fn settings(payload: &[u8]) -> Vec<u8> {
    frame(SETTINGS, 0, 0, payload)
}

fn setting(number: u16, value: u32) -> Vec<u8> {
    [&number.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

fn window(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// GOAWAY with 1 as the last stream and no error.
fn goaway() -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[1_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat())
}

/// The head of the response, or a part of it.
fn head(flags: u8, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags, 1, block)
}

/// An HTTP/2 target begins with its SETTINGS, as it must.
fn answers(name: &'static str, answer: Vec<u8>, then: Then) -> Hostile {
    begins(name, settings(&[]), answer, then)
}

/// Unless it says otherwise.
fn begins(name: &'static str, opening: Vec<u8>, answer: Vec<u8>, then: Then) -> Hostile {
    Hostile { opening, ..hostile(name, Over::Http2, answer, then) }
}

/// What a target does over HTTP/2 with the connection.
fn over_http_2() -> Vec<Hostile> {
    let floods = |name, again| answers(name, Vec::new(), Then::Flood(again));
    let mut all = vec![
        begins("h2 without a word", Vec::new(), Vec::new(), Then::Silence),
        begins("h2 that reads nothing", Vec::new(), Vec::new(), Then::Stall),
        answers("h2 SETTINGS and silence", Vec::new(), Then::Silence),
        begins("h2 without streams", settings(&setting(3, 0)), Vec::new(), Then::Silence),
        begins("h2 that trickles SETTINGS", Vec::new(), Vec::new(), Then::Trickle(settings(&[]))),
        floods("h2 PING without end", frame(PING, 0, 0, &[0; 8])),
        floods("h2 SETTINGS without end", settings(&setting(3, 100))),
        floods("h2 SETTINGS acknowledged without end", frame(SETTINGS, 1, 0, &[])),
        floods("h2 WINDOW_UPDATE without end", window(0, 1)),
        floods("h2 WINDOW_UPDATE of the stream without end", window(1, 1)),
        answers("h2 window too large", window(0, 0x7fff_ffff), Then::Silence),
        floods("h2 unknown frames without end", frame(UNKNOWN, 0, 0, b"unknown")),
        floods("h2 resets without end", frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())),
        floods("h2 GOAWAY without end", goaway()),
        answers("h2 GOAWAY and silence", goaway(), Then::Silence),
    ];
    for (name, then) in [("h2 ends", Then::HalfClose), ("h2 closes", Then::Close), ("h2 resets", Then::Reset)]
    {
        all.push(answers(name, Vec::new(), then));
    }
    all
}

/// What it does with the response.
fn over_a_stream() -> Vec<Hostile> {
    let promised = [&2_u32.to_be_bytes()[..], STATUS_200].concat();
    // A field of 4 kB into the table, and a thousand times out of it (RFC 7541, section 6.1).
    let bomb = [&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e][..], &[b'y'; 4000], &[0xbe; 1000]].concat();
    let round = || head(END_HEADERS | 1, &fields("302", Some("/")));
    vec![
        answers("h2 head without end", head(0, b""), Then::Flood(frame(CONTINUATION, 0, 1, &[0x88; 64]))),
        answers(
            "h2 empty CONTINUATION without end",
            head(0, b""),
            Then::Flood(frame(CONTINUATION, 0, 1, b"")),
        ),
        answers("h2 head that stops", head(0, STATUS_200), Then::Silence),
        answers("h2 head that unfolds", head(END_HEADERS, &bomb), Then::Silence),
        answers(
            "h2 DATA without a head",
            frame(DATA, 0, 1, b"more"),
            Then::Flood(frame(DATA, 0, 1, b"more")),
        ),
        answers(
            "h2 body without end",
            head(END_HEADERS, STATUS_200),
            Then::Flood(frame(DATA, 0, 1, &[0; 64])),
        ),
        answers(
            "h2 empty DATA without end",
            head(END_HEADERS, STATUS_200),
            Then::Flood(frame(DATA, 0, 1, b"")),
        ),
        answers("h2 body that stops", head(END_HEADERS, STATUS_200), Then::Silence),
        answers(
            "h2 body that trickles",
            head(END_HEADERS, STATUS_200),
            Then::Trickle(frame(DATA, 0, 1, b"m")),
        ),
        answers(
            "h2 interim responses without end",
            Vec::new(),
            Then::Flood(head(END_HEADERS, &fields("102", None))),
        ),
        answers("h2 promise", frame(PUSH_PROMISE, END_HEADERS, 1, &promised), Then::Silence),
        answers("h2 redirect that goes round", round(), Then::Again),
        answers("h2 redirect and silence", round(), Then::Silence),
        answers("h2 not ready", head(END_HEADERS | 1, &fields("503", None)), Then::Again),
        answers("h2 that speaks HTTP/1", b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Then::Silence),
    ]
}

impl Hostile {
    /// Every probe that can meet it at this place. Only `tcp` can pass, and `tls` if there is a handshake: no
    /// target here has the text that is wanted.
    pub(crate) fn probes(&self, place: SocketAddr) -> Vec<ProbeKind> {
        let port = Port::new(place.port()).unwrap();
        let http = Http { body: Some("well".into()), redirects: 5, ..Http::get(port, Path::root()) };
        let plain = || ProbeKind::Http(Arc::new(http.clone()));
        let tls = || ProbeKind::Tls(Arc::new(Tls { port, handshake: lax() }));
        let https =
            || ProbeKind::Https(Arc::new(Https { http: http.clone(), handshake: lax(), token: None }));
        let grpc = |handshake| ProbeKind::Grpc(Arc::new(Grpc { port, service: "".into(), handshake }));
        let dialogue = |handshake| {
            let steps = vec![
                Step::Send((*b"GET / HTTP/1.1\r\nhost: lab\r\n\r\n").into()),
                Step::Expect((*b"well").into()),
            ];
            let dialogue = Dialogue { port, steps, read_limit_bytes: 16 << 10, handshake };
            ProbeKind::Dialogue(Arc::new(dialogue))
        };
        let http_2 = || {
            let protocols = AlpnProtocol::new("h2").into_iter().collect();
            Some(Handshake { protocols, ..lax() })
        };
        let tcp = ProbeKind::Tcp(Tcp { port });
        match self.over {
            Over::Nothing => vec![tcp, plain(), tls(), https(), grpc(None), dialogue(None)],
            Over::Http => vec![tcp, plain(), grpc(None), dialogue(None)],
            Over::Handshake | Over::Https | Over::Http2 => {
                vec![tcp, tls(), https(), grpc(http_2()), dialogue(Some(lax()))]
            }
        }
    }

    /// Listens at `address` for as long as what is returned lives.
    pub(crate) async fn start(self, address: IpAddr, tls: &Certificates) -> Target {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let place = listener.local_addr().unwrap();
        let acceptor = match self.over {
            Over::Nothing | Over::Http | Over::Handshake => None,
            Over::Https => Some(tls.http_1.clone()),
            Over::Http2 => Some(tls.http_2.clone()),
        };
        let (name, played) = (self.name, Arc::new(self));
        let task = tokio::spawn(async move {
            if played.over == Over::Nothing {
                return std::future::pending().await;
            }
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, played) = (acceptor.clone(), Arc::clone(&played));
                tokio::spawn(async move { played.serve(stream, acceptor).await });
            }
        });
        Target { name, place, task: task.abort_handle() }
    }

    async fn serve(&self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        let socket = socket2::SockRef::from(&stream).try_clone().unwrap();
        match acceptor {
            None => self.talk(stream).await,
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(secured) => self.talk(secured).await,
                Err(_) => return,
            },
        };
        if let Then::Reset = self.then {
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Send + 'static>(&self, stream: S) {
        let (reader, writer) = tokio::io::split(stream);
        let _ = self.converse(reader, writer).await;
    }

    async fn converse<S: AsyncRead + AsyncWrite + Send + 'static>(
        &self,
        mut from: ReadHalf<S>,
        mut to: WriteHalf<S>,
    ) -> std::io::Result<()> {
        say(&mut to, &self.opening).await?;
        loop {
            request(&mut from, self.over).await?;
            say(&mut to, &self.answer).await?;
            if !matches!(self.then, Then::Again) {
                break;
            }
        }
        match &self.then {
            Then::Again | Then::Close | Then::Reset => return Ok(()),
            Then::Stall => return std::future::pending().await,
            Then::HalfClose => to.shutdown().await?,
            Then::Silence => {}
            Then::Flood(again) => {
                let many = again.repeat((FLOOD_BYTES / again.len()).max(1));
                return both(from, async { repeat(&mut to, &[many], FLOOD_PAUSE).await }).await;
            }
            Then::Trickle(again) => {
                let pieces: Vec<Vec<u8>> = again.iter().map(|byte| vec![*byte]).collect();
                return both(from, async { repeat(&mut to, &pieces, TRICKLE_PAUSE).await }).await;
            }
        }
        discard(from).await
    }
}

/// Reads everything, and does `work`, until one of them ends.
async fn both<R: AsyncRead + Unpin>(
    from: R,
    work: impl Future<Output = std::io::Result<()>>,
) -> std::io::Result<()> {
    tokio::select! {
        done = work => done,
        done = discard(from) => done,
    }
}

async fn say<W: AsyncWrite + Unpin>(to: &mut W, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

async fn repeat<W: AsyncWrite + Unpin>(
    to: &mut W,
    pieces: &[Vec<u8>],
    pause: Duration,
) -> std::io::Result<()> {
    for piece in pieces.iter().cycle() {
        say(to, piece).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Until the client has closed.
async fn discard<R: AsyncRead + Unpin>(mut from: R) -> std::io::Result<()> {
    let mut buffer = vec![0; 4096];
    while from.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Reads to the end of a request, or any bytes if there is none.
async fn request<R: AsyncRead + Unpin>(from: &mut R, over: Over) -> std::io::Result<()> {
    match over {
        Over::Nothing | Over::Handshake => from.read_u8().await.map(drop),
        Over::Http | Over::Https => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(from.read_u8().await?);
            }
            Ok(())
        }
        Over::Http2 => frames_to_a_request(from).await,
    }
}

/// Every connection begins with a preface (RFC 9113, section 3.4), whose last bytes look like none of a frame
/// of HEADERS: it is skipped where it stands.
async fn frames_to_a_request<R: AsyncRead + Unpin>(from: &mut R) -> std::io::Result<()> {
    let mut head = [0; 9];
    loop {
        from.read_exact(&mut head).await?;
        if head.starts_with(b"PRI * HTT") {
            from.read_exact(&mut [0; 15]).await?;
            continue;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        from.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).await?;
        if head[3] == HEADERS {
            return Ok(());
        }
    }
}

/// What TLS targets show: made once, for keys take time.
pub(crate) struct Certificates {
    http_1: TlsAcceptor,
    http_2: TlsAcceptor,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let authority = Authority::new();
        let acceptor = |config: ServerConfig| TlsAcceptor::from(Arc::new(config));
        Certificates {
            http_1: acceptor(authority.server(&["lab.example"], &["http/1.1"])),
            http_2: acceptor(authority.server(&["lab.example"], &["h2"])),
        }
    }
}

/// A hostile target that listens.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) place: SocketAddr,
    task: AbortHandle,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How many of this target's connections its clients have not closed, as its kernel sees them: established,
/// or closed by the target alone (FIN-WAIT).
pub(crate) fn open_connections(place: SocketAddr) -> usize {
    const NOT_CLOSED_BY_CLIENT: [&str; 3] = ["01", "04", "05"];
    let IpAddr::V4(address) = place.ip() else { panic!("{place} is not IPv4") };
    let mut own = String::new();
    // As /proc/net/tcp writes it: the address as a number of this machine, in hexadecimal.
    write!(own, "{:08X}:{:04X}", u32::from_ne_bytes(address.octets()), place.port()).unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let connections = table.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _, state) = (fields.next(), fields.next(), fields.next());
        local == Some(&own) && state.is_some_and(|state| NOT_CLOSED_BY_CLIENT.contains(&state))
    });
    connections.count()
}
