//! Client and server of hickory over encrypted transports: made from the RFCs by others than us, with other code for HTTP.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use hickory_net::h2::HttpsClientStream;
use hickory_net::proto::op::{DnsRequest, Message};
use hickory_net::proto::rr::rdata::{A, NS, SOA};
use hickory_net::proto::rr::{Name, RData, Record};
use hickory_net::quic::QuicClientStream;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tls::tls_exchange;
use hickory_net::xfer::{DnsExchange, FirstAnswer};
use hickory_net::{DnsHandle, NetError};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;

use crate::crypto::provider;
use crate::{PATIENCE, free_port, loopback};

/// Queries that its client takes at a time.
const AT_A_TIME: usize = 30;

/// An encrypted transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 7858.
    Tls,
    /// RFC 8484, HTTP/2.
    Https,
    /// RFC 9250.
    Quic,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 3] = [Transport::Tls, Transport::Https, Transport::Quic];

    /// Its name in keys, in the status and before the address of an upstream.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tls => "tls",
            Transport::Https => "https",
            Transport::Quic => "quic",
        }
    }
}

/// A server with one zone. Ends when it is dropped.
pub struct Server {
    place: SocketAddr,
    runtime: Option<Runtime>,
}

/// What a server of encrypted transports is told.
pub struct Certified<'a> {
    /// File with its certificate, in PEM.
    pub certificate: &'a Path,
    /// File with its key.
    pub key: &'a Path,
    /// The name in the certificate.
    pub name: &'a str,
}

impl Server {
    /// Starts one with this certificate for `name`; `hN` of the zone at `apex` has the address 192.0.2.N.
    pub fn start(
        over: Transport,
        certificate: &Path,
        key: &Path,
        name: &str,
        apex: &str,
        hosts: u8,
    ) -> Server {
        let place = free_port(loopback());
        let hosts = (0..hosts).map(|host| (format!("h{host}"), RData::A(A::new(192, 0, 2, host))));
        let runtime = runtime();
        let entered = runtime.enter();
        let mut server = hickory_server::Server::new(catalog(apex, hosts));
        register(&mut server, over, place, &Certified { certificate, key, name });
        drop(entered);
        runtime.spawn(async move { server.block_until_done().await });
        Server { place, runtime: Some(runtime) }
    }

    /// Serves records of the zone at `apex`, each below it, over UDP at one place and over encrypted transports at others, until
    /// the process ends.
    ///
    /// # Panics
    ///
    /// When a place is taken or a file cannot be used.
    pub fn serve(
        plain: SocketAddr,
        encrypted: &[(Transport, SocketAddr)],
        certified: &Certified<'_>,
        apex: &str,
        records: impl IntoIterator<Item = (String, RData)>,
    ) {
        runtime().block_on(async {
            let mut server = hickory_server::Server::new(catalog(apex, records));
            server.register_socket(tokio::net::UdpSocket::bind(plain).await.expect("a free port"));
            for (over, place) in encrypted {
                register(&mut server, *over, *place, certified);
            }
            server.block_until_done().await.expect("it goes on");
        });
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        self.place
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Listens for one transport, in the runtime that is entered.
fn register(
    server: &mut hickory_server::Server<Catalog>,
    over: Transport,
    place: SocketAddr,
    Certified { certificate, key, name }: &Certified<'_>,
) {
    let chain = CertificateDer::pem_file_iter(certificate).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let key = provider().key_provider.load_private_key(key).expect("a key");
    let resolver = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
    if over == Transport::Quic {
        let socket = UdpSocket::bind(place).expect("a free port");
        socket.set_nonblocking(true).expect("a socket");
        let socket = tokio::net::UdpSocket::from_std(socket).expect("a socket");
        return server.register_quic_listener(socket, PATIENCE, resolver).expect("a listener");
    }
    let listener = TcpListener::bind(place).expect("a free port");
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    if over == Transport::Tls {
        server.register_tls_listener(listener, PATIENCE, resolver).expect("a listener");
    } else {
        let (host, path) = (Some((*name).to_owned()), "/dns-query".to_owned());
        server.register_https_listener(listener, PATIENCE, resolver, host, path).expect("a listener");
    }
}

/// A zone with a name server and these records, each with its name below the apex; `@` is the apex.
fn catalog(apex: &str, records: impl IntoIterator<Item = (String, RData)>) -> Catalog {
    let apex = Name::from_ascii(apex).expect("a name");
    let below = |label: &str| match label {
        "@" => apex.clone(),
        label => {
            Name::from_ascii(label).and_then(|label| label.append_domain(&apex)).expect("a name below it")
        }
    };
    let mut zone: InMemoryZoneHandler =
        InMemoryZoneHandler::empty(apex.clone(), ZoneType::Primary, AxfrPolicy::Deny);
    let soa = SOA::new(below("ns"), below("hostmaster"), 1, 3600, 600, 86_400, 60);
    let own = [
        (apex.clone(), RData::SOA(soa)),
        (apex.clone(), RData::NS(NS(below("ns")))),
        (below("ns"), RData::A(A::new(192, 0, 2, 53))),
    ];
    let records = records.into_iter().map(|(owner, data)| (below(&owner), data));
    for (name, data) in own.into_iter().chain(records) {
        assert!(zone.upsert_mut(Record::from_rdata(name, 60, data), 1), "it takes the record");
    }
    let mut catalog = Catalog::new();
    let zone: Arc<dyn ZoneHandler> = Arc::new(zone);
    catalog.upsert(apex.into(), vec![zone]);
    catalog
}

/// One connection of its client.
pub struct Client {
    runtime: Runtime,
    exchange: DnsExchange<TokioRuntimeProvider>,
    /// Its end ends what moves the connection.
    _provider: TokioRuntimeProvider,
}

impl Client {
    /// Connects to a server of this name, whose certificate one of `authorities` has signed.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub fn connect(
        over: Transport,
        server: SocketAddr,
        name: &str,
        authorities: &Path,
    ) -> Result<Client, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authorities).expect("a certificate") {
            roots.add(certificate.expect("a certificate")).expect("an authority");
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (runtime, provider) = (runtime(), TokioRuntimeProvider::new());
        let exchange = runtime.block_on(exchange(over, server, name, config, provider.clone()));
        let exchange = exchange.map_err(|error| error.to_string())?;
        Ok(Client { runtime, exchange, _provider: provider })
    }

    /// Asks, some at a time; the responses in the order of the queries.
    ///
    /// # Panics
    ///
    /// When one is not answered.
    pub fn ask(&self, queries: &[Message]) -> Vec<Message> {
        let mut responses = Vec::new();
        for queries in queries.chunks(AT_A_TIME) {
            let asked = queries.iter().map(|query| {
                let response = self.exchange.send(DnsRequest::from(query.clone())).first_answer();
                self.runtime.spawn(response)
            });
            for asked in asked.collect::<Vec<_>>() {
                let response = self.runtime.block_on(asked).expect("its client does not panic");
                responses.push(response.unwrap_or_else(|error| panic!("{error}")).into_message());
            }
        }
        responses
    }
}

async fn exchange(
    over: Transport,
    server: SocketAddr,
    name: &str,
    config: ClientConfig,
    provider: TokioRuntimeProvider,
) -> Result<DnsExchange<TokioRuntimeProvider>, NetError> {
    match over {
        Transport::Tls => {
            let name = ServerName::try_from(name.to_owned()).expect("a name");
            tls_exchange(server, name, config, PATIENCE, Some(2 * AT_A_TIME), provider).await
        }
        Transport::Https => {
            let builder = HttpsClientStream::builder(Arc::new(config), provider);
            builder.exchange(server, name.into(), "/dns-query".into()).await
        }
        Transport::Quic => {
            let builder = QuicClientStream::builder().crypto_config(config);
            let (exchange, background) = DnsExchange::from_stream(builder.build(server, name.into()).await?);
            tokio::spawn(background);
            Ok(exchange)
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
