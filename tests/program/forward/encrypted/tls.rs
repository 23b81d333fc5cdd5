//! An upstream over TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// Ends each connection after this many queries.
fn start(queries_of_connection: usize) -> Server {
    let identity = Identity::new();
    let (server, config) = (Server::new("tls", &identity), Arc::new(identity.config(&[])));
    let listener = TcpListener::bind(server.place).expect("a free port");
    let counts = Arc::clone(&server.counts);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (config, counts) = (Arc::clone(&config), Arc::clone(&counts));
            std::thread::spawn(move || serve(stream, config, &counts, queries_of_connection));
        }
    });
    server
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, counts: &Counts, queries: usize) {
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let mut is_mute = false;
    for number in 0..queries {
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_err() {
            return;
        }
        if number == 0 {
            counts.connections.fetch_add(1, Ordering::Relaxed);
        }
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query).expect("a whole query");
        let query = counts.read(&query);
        is_mute |= query.qname == "mute.test";
        if is_mute || query.qname.starts_with("silent") {
            continue;
        }
        let response = query.address(300, ADDRESS);
        let length = u16::try_from(response.len()).expect("a short response").to_be_bytes();
        stream.write_all(&[&length[..], &response].concat()).expect("a response is taken");
        stream.flush().expect("a response is taken");
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

test_kept_connection!(start: start, upstream: "tls://{}#other.test");
