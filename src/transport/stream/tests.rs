//! A stream that is no bare TCP connection, and has a handshake.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::client_stream::{ClientStream, StreamTransport};
use super::{Client, Connection, Served, StreamContext, StreamListener, TcpSettings, TokioClock, TokioHost};
use crate::answer::{Peer, Reply, Transport};
use crate::tls::ServerTls;
use crate::transport::responder::Responder;

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// A transport whose handshake is one byte, and whose stream holds back what is written until it is flushed.
#[derive(Clone, Copy)]
struct Knock;

impl StreamTransport for Knock {
    const TRANSPORT: Transport = Transport::Tls;

    type Host = TokioHost;

    type Stream = BufWriter<TcpStream>;

    async fn accept(self, mut stream: TcpStream) -> io::Result<Self::Stream> {
        stream.read_u8().await?;
        Ok(BufWriter::new(stream))
    }

    fn serve<R: Responder>(
        client: Client<Self::Stream>,
        served: Served<R>,
    ) -> impl Future<Output = ()> + Send {
        Connection::new(client, served).serve()
    }
}

impl ClientStream for BufWriter<TcpStream> {
    type Clock = TokioClock;

    fn clock(&self) -> TokioClock {
        TokioClock::default()
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.get_ref().try_read(space)
    }

    fn discard_unsent(&self) {}
}

/// Answers each query with itself, as a response.
struct Echo;

impl Responder for Echo {
    fn begin_batch(&mut self) {}

    fn respond(&mut self, _: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        out[..query.len()].copy_from_slice(query);
        out[2] |= 0x80;
        Reply::Send { len: query.len() }
    }
}

/// Serves what comes to `listener`, on the runtime of the test.
fn serve(listener: TcpListener, shared: &Arc<StreamContext<Echo>>) -> StreamListener {
    let listener = listener.into_std().unwrap().into();
    StreamListener::register(Knock, listener, shared, Handle::current()).unwrap()()
}

#[tokio::test]
async fn a_transport_with_a_handshake_serves_whatever_stream_it_makes() {
    let listener = TcpListener::bind("127.0.3.90:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = TcpSettings { first_byte: Duration::from_millis(300), ..TcpSettings::default() };
    let shared = Arc::new(StreamContext::new(settings, ServerTls::new()));
    shared.ready(Transport::Tls, 2, |_| Echo);
    let serving = serve(listener, &shared);

    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"k\0\x0cidFLcountsmo").await.unwrap();
    let mut response = [0; 14];
    timeout(LIMIT, client.read_exact(&mut response)).await.expect("a response").unwrap();
    assert_eq!(&response, b"\0\x0cid\xc6Lcountsmo");

    let ended = timeout(LIMIT, silent.read(&mut [0; 1])).await.expect("no handshake in time, hence the end");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert_eq!(shared.counters.accepted.load(Ordering::Relaxed), 2, "a handshake counts as a connection");
    drop(client);
    _ = timeout(LIMIT, serving.stop().ended).await.expect("the end of the listener");
}

#[tokio::test]
async fn a_handshake_loses_its_place_to_a_client_that_has_none() {
    let listener = TcpListener::bind("127.0.3.90:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings =
        TcpSettings { connections_max: 2, first_byte: Duration::from_secs(600), ..TcpSettings::default() };
    let shared = Arc::new(StreamContext::new(settings, ServerTls::new()));
    shared.ready(Transport::Tls, 1, |_| Echo);
    let serving = serve(listener, &shared);

    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut another = TcpStream::connect(address).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.3.91:0".parse().unwrap()).unwrap();
    let mut client = socket.connect(address).await.unwrap();
    client.write_all(b"k\0\x0cidFLcountsmo").await.unwrap();
    let mut response = [0; 14];
    timeout(LIMIT, client.read_exact(&mut response)).await.expect("a response").unwrap();
    let (mut one, mut other) = ([0; 1], [0; 1]);
    let ended = async {
        tokio::select! {
            ended = silent.read(&mut one) => ended,
            ended = another.read(&mut other) => ended,
        }
    };
    let ended = timeout(LIMIT, ended).await.expect("the end of one of the two");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert_eq!(shared.counters.evicted.load(Ordering::Relaxed), 1);
    assert_eq!(shared.counters.open.load(Ordering::Relaxed), 2);
    _ = timeout(LIMIT, serving.stop().ended).await.expect("the end of the listener");
}
