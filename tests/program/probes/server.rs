//! Targets that do as the test says: HTTP/1 by hand, over TCP or TLS, with a record of what clients sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgedns::probe::{Outcome, Port, Prober};
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// Long enough for any machine; nothing waits for it when all is well.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What a target does with a request.
pub(crate) enum Reply {
    /// Writes this and waits for the next request.
    Whole(String),
    /// Writes this and closes.
    Last(String),
    /// Writes this and resets the connection.
    Broken(String),
    /// Writes this and says nothing any more.
    Stuck(String),
    /// Writes this, then bytes without end.
    Endless(String),
}

/// A response with these lines of its head, and this body.
pub(crate) fn response(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// As most targets answer.
pub(crate) fn ok(_: &str) -> Reply {
    Reply::Whole(response("200 OK", "ok"))
}

/// What was seen of the client.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) clients: Vec<SocketAddr>,
    pub(crate) requests: Vec<String>,
    /// The name asked for in each handshake.
    pub(crate) names: Vec<Option<String>>,
}

/// How connections are ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Reset,
}

/// A target. It is gone when this is dropped.
pub(crate) struct Server {
    pub(crate) place: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
    ends: watch::Sender<Option<End>>,
    listener: AbortHandle,
}

impl Server {
    /// A target over plain TCP, at a free port of `address`.
    pub(crate) async fn start(address: &str, play: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(at(address), play).await
    }

    /// A target over plain TCP, at a port that must be this one.
    pub(crate) async fn start_at(
        place: SocketAddr,
        play: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(place, None, play).await
    }

    /// A target over TLS.
    pub(crate) async fn start_tls(
        address: &str,
        config: ServerConfig,
        play: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_tls_at(at(address), config, play).await
    }

    /// A target over TLS, at a port that must be this one.
    pub(crate) async fn start_tls_at(
        place: SocketAddr,
        config: ServerConfig,
        play: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(place, Some(TlsAcceptor::from(Arc::new(config))), play).await
    }

    async fn start_with(
        place: SocketAddr,
        tls: Option<TlsAcceptor>,
        play: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(place).await.unwrap();
        let place = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (ends, _) = watch::channel(None);
        let (notes, played, ending) = (Arc::clone(&seen), Arc::new(play), ends.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                notes.lock().unwrap().clients.push(client);
                let (tls, notes, played) = (tls.clone(), Arc::clone(&notes), Arc::clone(&played));
                let ended = ending.subscribe();
                tokio::spawn(async move { serve(stream, tls, ended, notes, &*played).await });
            }
        });
        Self { place, seen, ends, listener: task.abort_handle() }
    }

    pub(crate) fn port(&self) -> Port {
        Port::new(self.place.port()).unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().clients.len()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The names asked for, one for each handshake so far. TLS 1.3 is done for the client before it is for
    /// the target, so that those of `count` handshakes are waited for.
    pub(crate) async fn names(&self, count: usize) -> Vec<Option<String>> {
        let seen = async {
            while self.seen.lock().unwrap().names.len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, seen).await.expect("handshakes");
        self.seen.lock().unwrap().names.clone()
    }

    /// Ends every connection there is.
    pub(crate) fn end(&self, end: End) {
        self.ends.send_replace(Some(end));
    }

    /// Waits until every connection there was is closed on this side: the task of each has let go of its socket.
    pub(crate) async fn ended(&self) {
        tokio::time::timeout(LIMIT, self.ends.closed()).await.expect("an end of every connection");
    }

    /// Accepts no more connections; open ones go on.
    pub(crate) fn stop_listening(&self) {
        self.listener.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.abort();
        self.end(End::Close);
    }
}

/// Any free port of an address.
fn at(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 0)
}

async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    mut ended: watch::Receiver<Option<End>>,
    seen: Arc<Mutex<Seen>>,
    play: &(dyn Fn(&str) -> Reply + Send + Sync),
) {
    let socket = SockRef::from(&stream).try_clone().unwrap();
    let talk = async {
        let Some(tls) = tls else { return converse(stream, &seen, play).await };
        let Ok(secured) = tls.accept(stream).await else { return true };
        let name = secured.get_ref().1.server_name().map(str::to_owned);
        seen.lock().unwrap().names.push(name);
        converse(secured, &seen, play).await
    };
    let resets = tokio::select! {
        resets = talk => resets,
        _ = ended.changed() => *ended.borrow() == Some(End::Reset),
    };
    if resets {
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// True when the connection is to be reset.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    seen: &Mutex<Seen>,
    play: &(dyn Fn(&str) -> Reply + Send + Sync),
) -> bool {
    loop {
        let Some(request) = request(&mut stream).await else { return false };
        seen.lock().unwrap().requests.push(request.clone());
        let reply = play(&request);
        let (Reply::Whole(text)
        | Reply::Last(text)
        | Reply::Broken(text)
        | Reply::Stuck(text)
        | Reply::Endless(text)) = &reply;
        if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        match reply {
            Reply::Whole(_) => {}
            Reply::Last(_) => {
                let _ = stream.shutdown().await;
                return false;
            }
            Reply::Broken(_) => return true,
            Reply::Stuck(_) => std::future::pending().await,
            Reply::Endless(_) => {
                while stream.write_all(&[b'.'; 1024]).await.is_ok() {}
                return false;
            }
        }
    }
}

/// The head of the next request.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Runs once and expects a pass.
#[track_caller]
pub(crate) fn passed(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Pass { .. }), "{outcome}");
}

/// Whether a hint comes; waits for it, or for a time in which one would have come.
pub(crate) async fn hints(prober: &mut Prober) -> bool {
    tokio::time::timeout(Duration::from_millis(300), prober.hint()).await.is_ok()
}
