//! The loop by itself: real sockets, with tasks that are made for it.

mod hosts;
mod moments;

use std::fs;
use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::{EventLoop, LoopHandle, LoopStream};
use crate::transport::stream::{ClientStream, Clock, StreamHost};

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// A loop on a thread of its own, which ends with it.
struct Running {
    handle: LoopHandle,
    thread: Option<JoinHandle<()>>,
    /// What the system says of its thread.
    status: PathBuf,
}

impl Running {
    fn start() -> Self {
        let (event_loop, handle) = EventLoop::new().unwrap();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            // It leads to the thread that looks.
            tell.send(fs::read_link("/proc/thread-self").unwrap()).unwrap();
            event_loop.run();
        });
        let status = Path::new("/proc").join(told.recv().unwrap()).join("status");
        Self { handle, thread: Some(thread), status }
    }

    /// What the system says of the loop's thread (proc_pid_status(5)).
    fn status(&self, field: &str) -> String {
        let status = fs::read_to_string(&self.status).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap().trim().to_owned()
    }

    /// Waits until the loop waits, which one that has something to do does not.
    fn wait_until_it_sleeps(&self) {
        eventually("the loop sleeps", || self.status("State").starts_with('S'));
    }

    /// Serves every client by `serve`.
    fn listen<F: Future<Output = ()> + Send + 'static>(
        &self,
        serve: impl Fn(LoopStream) -> F + Send + 'static,
    ) -> SocketAddr {
        let (listener, address) = listener();
        self.handle.listen(listener, |mut host| async move {
            while let Ok((accepted, _)) = host.accept().await {
                host.spawn(accepted, &serve);
            }
        });
        address
    }

    /// Echoes to every client, and counts the turns of all of them.
    fn count_turns(&self) -> (SocketAddr, Arc<AtomicUsize>) {
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        let address = self.listen(move |stream| {
            let counted = Arc::clone(&counted);
            async move {
                let mut served = pin!(echo(stream));
                poll_fn(|context| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    served.as_mut().poll(context)
                })
                .await;
            }
        });
        (address, turns)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.end();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the loop has ended by a fault");
        }
    }
}

/// A listener that does not block.
fn listener() -> (Socket, SocketAddr) {
    let listener = TcpListener::bind("127.0.3.92:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener.into(), address)
}

/// Waits until `condition` holds.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

/// Wants the connection to be ended by the loop, without more data.
#[track_caller]
fn assert_ended(client: &mut TcpStream) {
    match client.read(&mut [0; 1]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("not ended: {other:?}"),
    }
}

/// Sends back what comes, byte by byte.
async fn echo(mut stream: LoopStream) {
    while let Ok(byte) = stream.read_u8().await {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
    }
}

#[test]
fn clients_that_come_together_are_all_served() {
    let running = Running::start();
    let address = running.listen(echo);
    for _ in 0..3 {
        let mut clients: Vec<TcpStream> = (0..150).map(|_| connect(address)).collect();
        clients.iter_mut().for_each(|client| client.write_all(b"hello").unwrap());
        for client in &mut clients {
            let mut heard = [0; 5];
            client.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello");
        }
    }
}

#[test]
fn what_does_not_fit_is_sent_when_the_client_takes_it() {
    const BYTES: usize = 8 << 20;
    let running = Running::start();
    let address = running.listen(|mut stream| async move {
        _ = stream.read_u8().await;
        _ = stream.write_all(&vec![7; BYTES]).await;
    });
    let mut client = connect(address);
    client.write_all(b"k").unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).unwrap();
    assert_eq!(heard.len(), BYTES);
}

#[test]
fn a_client_that_ends_with_its_query_is_answered_and_ended() {
    let running = Running::start();
    let address = running.listen(echo);
    let mut client = connect(address);
    client.write_all(b"hello").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"hello");
}

#[test]
fn a_task_is_woken_by_other_threads() {
    let running = Running::start();
    let (asking, asked) = mpsc::channel::<oneshot::Sender<u8>>();
    let address = running.listen(move |mut stream| {
        let asking = asking.clone();
        async move {
            while stream.read_u8().await.is_ok() {
                let (answer, answered) = oneshot::channel();
                asking.send(answer).unwrap();
                _ = stream.write_all(&[answered.await.unwrap()]).await;
            }
        }
    });
    let mut client = connect(address);
    for number in 0..100 {
        client.write_all(b"?").unwrap();
        asked.recv_timeout(LIMIT).unwrap().send(number).unwrap();
        let mut heard = [0; 1];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(heard, [number]);
    }
}

#[test]
fn a_client_that_never_pauses_leaves_turns_to_others() {
    let running = Running::start();
    let (address, turns) = running.count_turns();
    let mut client = connect(address);
    client.write_all(&[7; 6400]).unwrap();
    let mut heard = [0; 6400];
    client.read_exact(&mut heard).unwrap();
    // A read and a write for each byte.
    assert!(turns.load(Ordering::Relaxed) >= 100, "{turns:?}");
}

#[test]
fn a_loop_that_ends_ends_its_connections() {
    let running = Running::start();
    let address = running.listen(echo);
    let mut client = connect(address);
    client.write_all(b"k").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
    drop(running);
    assert_ended(&mut client);
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}
