//! What a client can see of them, by its own endpoint.

use std::net::SocketAddr;

use quinn::{Connection, ConnectionError, Endpoint};
use tokio::time::timeout;

use super::*;
use crate::transport::tests::{certified, quic_client};

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// How long either side bears silence.
const SHORT: Duration = Duration::from_millis(300);

/// An endpoint with these settings, a connection to it as both sides have it, and the client's endpoint.
async fn connect(silence: Duration, client: TransportConfig) -> (Endpoint, Connection, Connection, Endpoint) {
    let at = |address: &str| address.parse::<SocketAddr>().unwrap();
    let endpoint = Endpoint::server(server(&certified(), silence).unwrap(), at("127.0.3.95:0")).unwrap();
    let clients = Endpoint::client(at("127.0.3.96:0")).unwrap();
    let to = endpoint.local_addr().unwrap();
    let connecting = clients.connect_with(quic_client(client), to, "ns.lab.example").unwrap();
    let accepting = async { endpoint.accept().await.unwrap().await.unwrap() };
    let (served, connected) = tokio::join!(accepting, connecting);
    (endpoint, served, connected.unwrap(), clients)
}

#[tokio::test]
async fn silence_ends_a_connection_although_the_client_would_bear_it() {
    let mut patient = TransportConfig::default();
    patient.max_idle_timeout(None);
    let (_endpoint, served, _connected, _clients) = connect(SHORT, patient).await;
    let end = timeout(LIMIT, served.closed()).await.expect("silence for so long");
    assert_eq!(end, ConnectionError::TimedOut);
}

#[tokio::test]
async fn what_comes_from_another_address_than_the_handshake_is_not_of_the_connection() {
    let mut impatient = TransportConfig::default();
    impatient.max_idle_timeout(Some(SHORT.try_into().unwrap()));
    let (_endpoint, served, connected, clients) = connect(LIMIT, impatient).await;
    let (mut stays, _) = connected.open_bi().await.unwrap();
    stays.write_all(b"k").await.unwrap();
    assert!(served.accept_bi().await.is_ok());
    clients.rebind(std::net::UdpSocket::bind("127.0.3.97:0").unwrap()).unwrap();
    let (mut moves, _) = connected.open_bi().await.unwrap();
    moves.write_all(b"k").await.unwrap();
    let taken = timeout(LIMIT, served.accept_bi()).await.expect("an end");
    assert_eq!(taken.err(), Some(ConnectionError::TimedOut));
}
