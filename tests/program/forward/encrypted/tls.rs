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

#[test]
fn queries_share_one_connection_that_is_kept() {
    queries_share_one_connection(&start(usize::MAX));
}

#[test]
fn a_connection_that_the_upstream_ends_is_opened_anew_without_a_word() {
    ended_connections_are_opened_anew(&start(3));
}

#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let server = start(usize::MAX);
    another_name_is_not_believed(&server, &format!("tls://{}#other.test", server.place));
}

#[test]
fn names_that_an_upstream_is_silent_about_do_not_end_the_connection_that_others_are_answered_over() {
    silence_about_names_does_not_end_the_connection(|| start(usize::MAX));
}

#[test]
fn a_connection_over_which_nothing_comes_any_more_is_left() {
    a_mute_connection_is_left(&start(usize::MAX));
}
