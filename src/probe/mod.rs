//! Probes: what can be tested, one file per kind.
//!
//! Defines probes and runs one once. Not responsible for when to probe, or for what several outcomes mean
//! together: that is `health`.

mod port;
mod weight;
mod vantage;
mod life;
mod outcome;
mod symptom;
mod nobody;
mod session;
mod connect;
mod handshake;
mod entry;
mod written;
mod token;
mod http;
mod handshake_keys;
mod tcp;
mod tls;
mod https;
mod grpc;
mod dns;
mod dialogue;
mod states;
mod file;

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use dialogue::{Dialogue, Step};
pub use dns::{Answered, Dns, DnsQuestion};
pub use entry::{KindEntry, KindForm, Reach};
pub use file::StatesFile;
pub use grpc::Grpc;
pub use http::{
    BODY_LIMIT_BYTES, BODY_LIMIT_BYTES_MAX, Header, HeaderError, Host, Http, Method, Path, REDIRECTS_MAX,
    Statuses,
};
pub use https::Https;
pub use life::{Life, Share};
pub use nobody::no_host;
pub use outcome::{Outcome, Phase, Reason, Trouble};
pub use port::Port;
pub use symptom::Symptom;
pub use tcp::Tcp;
pub use tls::Tls;
pub use token::Token;
pub use vantage::Vantage;
pub use weight::{Tells, Weight};
pub use written::Written;

use crate::source::Diagnostics;
use outcome::Failure;
use session::{Ends, Evidence, Session};

/// What to test at one address, with all its parameters. Two probes that are equal need to run only once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// The address that is tested.
    pub address: IpAddr,
    /// The address to test from; none: the system chooses.
    pub source: Option<IpAddr>,
    /// How long one run may take, all of it.
    pub timeout: Duration,
    /// What to do there.
    pub kind: ProbeKind,
}

impl Probe {
    /// What runs the probe, again and again.
    pub fn prober(&self) -> Prober {
        let Self { address, source, timeout, ref kind } = *self;
        Prober { ends: Ends { address, source }, timeout, session: kind.session() }
    }

    /// What is tested, wherever from: its name without the source. Servers that test the same agree about it.
    pub fn subject(&self) -> String {
        Probe { source: None, ..self.clone() }.to_string()
    }
}

/// One run of any kind.
type BoxedRun<'s> = Pin<Box<dyn Future<Output = Result<Evidence, Failure>> + Send + 's>>;

/// Runs one probe again and again, and keeps between the runs what the next one can use: an open connection,
/// above all. When it is dropped, that is closed.
pub struct Prober {
    ends: Ends,
    timeout: Duration,
    session: AnySession,
}

impl Prober {
    /// Runs the probe once, in a tokio runtime with I/O and time. It ends within the timeout; when the future
    /// is dropped earlier, its socket is closed with it.
    pub async fn run(&mut self) -> Outcome {
        let started = Instant::now();
        let mut phase = Phase::Connect;
        let run = tokio::time::timeout(self.timeout, self.session.run(self.ends, &mut phase)).await;
        match run {
            Ok(Ok(Evidence { not_after, weight })) => {
                Outcome::Pass { latency: started.elapsed(), not_after, weight }
            }
            Ok(Err(Failure::Target(reason))) => Outcome::Fail { reason },
            Ok(Err(Failure::Local(trouble))) => Outcome::Local { trouble },
            Err(_) => Outcome::Fail { reason: Reason::TimedOut { after: self.timeout, phase } },
        }
    }

    /// Resolves when there is a reason to run the probe before its turn: a connection that was kept is closed
    /// or reset by the target, or announced to be (GOAWAY). Without one, never.
    pub async fn hint(&mut self) {
        self.session.ended().await;
    }
}

/// As log lines and the status name it: `192.0.2.1:6443`, `[2001:db8::1]:443`, with the source where one was
/// asked for.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt_at(self.address, f)?;
        self.source.map_or(Ok(()), |source| write!(f, " from {source}"))
    }
}

impl ProbeKind {
    /// The same, of a target that tells its weight in the body of its response; none for a kind that has no body.
    pub fn telling_weight(self) -> Option<ProbeKind> {
        match self {
            ProbeKind::Http(mut http) => {
                Arc::make_mut(&mut http).tells = Tells::WeightOrZero;
                Some(ProbeKind::Http(http))
            }
            ProbeKind::Https(mut https) => {
                Arc::make_mut(&mut https).http.tells = Tells::WeightOrZero;
                Some(ProbeKind::Https(https))
            }
            ProbeKind::Tcp(_)
            | ProbeKind::Tls(_)
            | ProbeKind::Grpc(_)
            | ProbeKind::Dns(_)
            | ProbeKind::Dialogue(_)
            | ProbeKind::File(_) => None,
        }
    }
}

/// A kind of probe, and how its settings are read.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredKind {
    /// What there is to say of it.
    pub entry: KindEntry,
    /// Reads what is written of it; files that it names are relative to the folder. None when a fault was pushed.
    pub read: fn(Written<'_, '_>, &std::path::Path, &mut Diagnostics) -> Option<ProbeKind>,
}

/// Makes the enum, the list and the calls from one line per kind, so that none can be forgotten. A kind's
/// file offers `ENTRY`, `read`, a type with `fmt_at`, and its [`Session`].
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($test:ty) in $file:ident runs $session:ident;)+) => {
        /// What to do at the address.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum ProbeKind {
            $($(#[$doc])* $kind($test),)+
        }

        /// Every kind of probe, in the order in which help shows them.
        pub const KINDS: &[RegisteredKind] = &[$(RegisteredKind {
            entry: $file::ENTRY,
            read: |written, folder, found| $file::read(written, folder, found).map(ProbeKind::$kind),
        }),+];

        impl ProbeKind {
            /// What people are told about it.
            pub fn entry(&self) -> KindEntry {
                match self { $(ProbeKind::$kind(_) => $file::ENTRY),+ }
            }

            /// The port that is tested; none where a target is not asked itself.
            pub fn port(&self) -> Option<Port> {
                match self { $(ProbeKind::$kind(test) => test.port().into()),+ }
            }

            fn session(&self) -> AnySession {
                match self { $(ProbeKind::$kind(test) => AnySession::$kind($file::$session::new(test))),+ }
            }

            fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(ProbeKind::$kind(test) => test.fmt_at(address, f)),+ }
            }
        }

        enum AnySession {
            $($kind($file::$session),)+
        }

        impl AnySession {
            /// Boxed each by itself: a run over TLS takes 9 kB, and one that only connects would be moved about in as many.
            fn run<'s>(&'s mut self, ends: Ends, phase: &'s mut Phase) -> BoxedRun<'s> {
                match self { $(AnySession::$kind(session) => Box::pin(session.run(ends, phase))),+ }
            }

            async fn ended(&mut self) {
                match self { $(AnySession::$kind(session) => session.ended().await),+ }
            }
        }
    };
}

kinds! {
    /// A TCP connection is accepted.
    Tcp(Tcp) in tcp runs TcpSession;
    /// A TLS handshake succeeds.
    Tls(Arc<Tls>) in tls runs TlsSession;
    /// An HTTP request is answered as wanted.
    Http(Arc<Http>) in http runs HttpSession;
    /// An HTTP request over TLS is answered as wanted.
    Https(Arc<Https>) in https runs HttpsSession;
    /// A gRPC server says that it serves.
    Grpc(Arc<Grpc>) in grpc runs GrpcSession;
    /// A DNS query is answered as wanted.
    Dns(Arc<Dns>) in dns runs DnsSession;
    /// What is sent is answered as wanted, step by step.
    Dialogue(Arc<Dialogue>) in dialogue runs DialogueSession;
    /// A file says that the target is up.
    File(StatesFile) in file runs FileSession;
}

#[cfg(test)]
mod tests;
