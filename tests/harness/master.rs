//! Stand-in masters, which edgedns probes: a TCP port that accepts, refuses or hangs, and can change. Nothing
//! is sent on a connection.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// Longest time for which a process that is being started may hold a listener that was closed.
const HELD_MAX: Duration = Duration::from_secs(10);

/// One port of one master.
pub struct Master {
    place: SocketAddr,
    port: Port,
    accepted: Arc<AtomicUsize>,
}

enum Port {
    Closed,
    Open {
        stop: Arc<AtomicBool>,
        listener: Option<JoinHandle<()>>,
    },
    /// The backlog is full: the kernel drops every further SYN.
    Hanging {
        _listener: Socket,
        _backlog: Vec<TcpStream>,
    },
}

impl Master {
    /// A master whose port is open.
    pub fn open_at(address: Ipv4Addr, port: u16) -> Self {
        let mut master = Self::closed_at(address, port);
        master.open();
        master
    }

    /// A master whose port is closed: connections are refused.
    pub fn closed_at(address: Ipv4Addr, port: u16) -> Self {
        Self { place: SocketAddr::from((address, port)), port: Port::Closed, accepted: Arc::default() }
    }

    /// Its address.
    pub fn address(&self) -> std::net::IpAddr {
        self.place.ip()
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Accepts connections, and closes them at once.
    pub fn open(&mut self) {
        self.close();
        let listener = TcpListener::from(self.listen(128));
        listener.set_nonblocking(true).expect("a listener that can be asked");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, accepted) = (Arc::clone(&stop), Arc::clone(&self.accepted));
        let accept = move || {
            while !stopping.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok(_) => _ = accepted.fetch_add(1, Ordering::Relaxed),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        };
        self.port = Port::Open { stop, listener: Some(std::thread::spawn(accept)) };
    }

    /// Refuses connections.
    pub fn close(&mut self) {
        self.port = Port::Closed;
    }

    /// Lets connections hang: neither accepted nor refused.
    pub fn hang(&mut self) {
        self.close();
        let listener = self.listen(0);
        let mut backlog = Vec::new();
        // A connection that is not established at once over loopback found the backlog full.
        while let Ok(stream) = TcpStream::connect_timeout(&self.place, Duration::from_millis(200)) {
            backlog.push(stream);
            assert!(backlog.len() < 64, "the backlog of {} does not fill", self.place);
        }
        self.port = Port::Hanging { _listener: listener, _backlog: backlog };
    }

    fn listen(&self, backlog: i32) -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // Connections of the last life of the port may still linger.
        socket.set_reuse_address(true).expect("a socket option");
        // A process that is being started by another thread holds, until it is another program, what this one has
        // closed: a listener of a moment ago, on a loaded machine for long.
        let end = Instant::now() + HELD_MAX;
        while let Err(fault) = socket.bind(&self.place.into()) {
            let is_held = fault.kind() == ErrorKind::AddrInUse && Instant::now() < end;
            assert!(is_held, "a port of {}: {fault}", self.place);
            std::thread::sleep(Duration::from_millis(2));
        }
        socket.listen(backlog).expect("a bound socket");
        socket
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Port::Open { stop, listener } = self {
            stop.store(true, Ordering::Relaxed);
            listener.take().map(JoinHandle::join);
        }
    }
}
