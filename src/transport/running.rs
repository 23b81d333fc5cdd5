//! A server that runs: which worker serves which socket, and how that changes while queries come in.
//!
//! Starts, changes and stops everything that serves. Not responsible for how anything is served (`udp`,
//! `stream`), or for creating sockets (`listeners`).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, timeout, timeout_at};

use super::affinity::Affinity;
use super::change::{Group, ListenerChange, NewAddress, Sharing};
use super::encrypted_runtime::EncryptedRuntime;
use super::inherited::Inherited;
use super::listen_address::{ListenAddress, Protocols, RegisterError};
use super::listeners::{self, Bound, Buffers, Datagrams, Error, Listeners, SocketCounts};
use super::responder::Responder;
use super::settings::Settings;
use super::stream::{self, TcpCounters};
use super::stream_threads::StreamThreads;
use super::threads::Threads;
use super::udp::{Assignment, UdpCounters, WorkerHandle};
use crate::answer::Transport;
use crate::tls::ServerTls;

/// Longest wait for workers to take up a change, and for those that stop to answer what is queued. TCP's own
/// limit is shorter, so this one decides only when a thread hangs.
const SETTLE_MAX: Duration = Duration::from_secs(4);

/// What a responder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// How its queries come.
    pub transport: Transport,
    /// Its number among those of the transport, from 0. A number of UDP workers is used again when their
    /// count was lowered and is raised; the responders that connections share are made once.
    pub index: usize,
}

/// A thread that answers without ever waiting for anything but its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingThread {
    /// The UDP worker of this number.
    Udp(usize),
    /// The one of this number among those of plain TCP.
    Tcp(usize),
}

impl fmt::Display for ServingThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServingThread::Udp(index) => write!(f, "UDP worker {index}"),
            ServingThread::Tcp(index) => write!(f, "TCP thread {index}"),
        }
    }
}

/// A listen address as it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Address and port.
    pub address: SocketAddr,
    /// What is served there.
    pub protocols: Protocols,
    /// What the kernel gave to each of its UDP sockets; none where there are none, or it does not say.
    pub buffers: Option<Buffers>,
}

/// A server that answers. Dropping it stops it too, without waiting.
pub struct Running<R> {
    make: Box<dyn Fn(Worker) -> R + Send>,
    /// Where streams are served.
    threads: Threads,
    endpoints: Vec<Endpoint>,
    workers: Vec<WorkerHandle>,
    affinity: Affinity,
    streams: Arc<stream::StreamContext<R>>,
    udp_counters: Arc<UdpCounters>,
    /// Listeners of addresses given up, whose last connections are still open.
    leaving: Vec<oneshot::Receiver<()>>,
}

/// One listen address that is served.
struct Endpoint {
    asked: ListenAddress,
    address: SocketAddr,
    group: Group,
    listeners: Vec<stream::StreamListener>,
}

/// Serves `listeners`, UDP and streams on threads of its own. `make` is called once per worker, now and when a change
/// adds workers. Connections of a transport share as many responders as there are UDP workers when it is served first.
/// Encrypted transports show what `tls` has, on the threads of `encrypted`.
///
/// # Errors
/// When a thread cannot be started, or a socket cannot be registered with it; then nothing is served.
pub fn start<R: Responder>(
    listeners: Listeners,
    make: impl Fn(Worker) -> R + Send + 'static,
    tls: ServerTls,
    encrypted: EncryptedRuntime,
) -> Result<Running<R>, Error> {
    let Listeners { settings, bound } = listeners;
    let mut running = Running {
        make: Box::new(make),
        threads: Threads { plain: StreamThreads::beside(settings.worker_count()), encrypted },
        endpoints: Vec::new(),
        workers: Vec::new(),
        affinity: Affinity::Clients,
        streams: Arc::new(stream::StreamContext::new(settings.tcp, tls)),
        udp_counters: Arc::default(),
        leaving: Vec::new(),
    };
    let change = running.prepare(Vec::new(), bound, &settings)?;
    // There is nothing old to wait for.
    drop(running.commit(change));
    Ok(running)
}

impl<R: Responder> Running<R> {
    /// Serves what `settings` say from now on. Sockets of addresses that stay are kept, so that not one query
    /// to them is lost; those given up answer what they have received. Does not wait: what is returned
    /// resolves when every worker has taken the change up and the old ports are free, or after a few seconds
    /// when one hangs.
    ///
    /// # Errors
    /// When something new cannot be had. Then nothing has changed.
    pub fn change(&mut self, settings: &Settings) -> Result<impl Future<Output = ()> + Send + use<R>, Error> {
        let workers = settings.worker_count();
        let asked = settings.addresses();
        let mut kept = Vec::with_capacity(self.endpoints.len());
        for endpoint in &self.endpoints {
            let stays = asked.contains(&endpoint.asked);
            kept.push(if stays { Some(endpoint.group_of(workers)?) } else { None });
        }
        let new: Vec<ListenAddress> = asked.iter().copied().filter(|&asked| !self.serves(asked)).collect();
        let held: Vec<ListenAddress> = self.endpoints.iter().map(Endpoint::held).collect();
        let bound = listeners::bind_beside(&held, &new, self.sockets_for(workers), &mut Inherited::none())?;
        if bound.is_empty() && kept.iter().all(Option::is_none) {
            return Err(Error::NoAddress);
        }
        let change = self.prepare(kept, bound, settings)?;
        self.streams.set_settings(settings.tcp);
        let settled = self.commit(change);
        self.leaving.retain_mut(|ended| ended.try_recv() == Err(TryRecvError::Empty));
        Ok(settle(settled))
    }

    /// Stops: no new TCP connection is accepted, the queries received are answered, and responses in flight
    /// go out, all within a few seconds.
    pub async fn stop(mut self) {
        let mut settled = Vec::new();
        let mut threads = Vec::new();
        for worker in self.workers.drain(..) {
            let (ended, thread) = worker.stop();
            settled.push(ended);
            threads.push(thread);
        }
        for endpoint in self.endpoints.drain(..) {
            self.leaving.extend(endpoint.listeners.into_iter().map(|listener| listener.stop().ended));
        }
        settle(settled).await;
        for thread in threads {
            // One that hangs is left behind rather than waited for.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        for ended in self.leaving.drain(..) {
            let _ = timeout(SETTLE_MAX, ended).await;
        }
    }

    /// Lets every UDP worker and every thread of plain TCP look up from its queries, idle or not. Resolves to those that
    /// do not within `limit`: they hang, or have ended. Costs nothing while nobody asks.
    pub fn pulse(&mut self, limit: Duration) -> impl Future<Output = Vec<ServingThread>> + Send + use<R> {
        let workers = self.turns().into_iter().enumerate();
        let workers = workers.map(|(index, turn)| (ServingThread::Udp(index), turn));
        let plain = self.threads.plain.pulse().into_iter().enumerate();
        let plain = plain.map(|(index, turn)| (ServingThread::Tcp(index), turn));
        let turns: Vec<_> = workers.chain(plain).collect();
        let deadline = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
        async move {
            let mut still = Vec::new();
            for (thread, turn) in turns {
                let turned = match turn {
                    Some(turn) => timeout_at(deadline, turn).await.is_ok(),
                    None => false,
                };
                if !turned {
                    still.push(thread);
                }
            }
            still
        }
    }

    /// Lets every responder look at what is newest, idle or not: one without queries would hold what it saw
    /// last, a whole zone, until it is asked. Does not wait for them.
    pub fn catch_up(&mut self) {
        drop(self.turns());
        self.streams.catch_up();
    }

    /// Wakes every worker, to serve what it serves. Each receiver resolves when its worker has taken a turn;
    /// none for one that has ended.
    fn turns(&mut self) -> Vec<Option<oneshot::Receiver<()>>> {
        let endpoints = &self.endpoints;
        let assignment = |index| {
            let sockets = endpoints.iter().filter_map(|endpoint| endpoint.group.udp.get(index).cloned());
            Assignment { sockets: sockets.collect(), cores: None }
        };
        let workers = self.workers.iter_mut().enumerate();
        workers
            .map(|(index, worker)| (!worker.has_ended()).then(|| worker.serve(assignment(index))))
            .collect()
    }

    /// Where queries are answered: ports asked for as 0 are the real ones here.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.endpoints.iter().map(|endpoint| endpoint.address)
    }

    /// Every address, with what is served there and what the kernel gave to it.
    pub fn listening(&self) -> Vec<Listening> {
        let listening = |endpoint: &Endpoint| Listening {
            address: endpoint.address,
            protocols: endpoint.asked.protocols,
            buffers: endpoint.group.udp.first().and_then(|socket| listeners::buffers(socket).ok()),
        };
        self.endpoints.iter().map(listening).collect()
    }

    /// How many UDP workers there are.
    pub fn worker_count(&self) -> usize {
        self.workers.len()
    }

    /// What happens to TCP connections.
    pub fn tcp_counters(&self) -> Arc<TcpCounters> {
        Arc::clone(&self.streams.counters)
    }

    /// What goes wrong in UDP workers.
    pub fn udp_counters(&self) -> Arc<UdpCounters> {
        Arc::clone(&self.udp_counters)
    }

    /// How many sockets an address gets while there are so many UDP workers.
    fn sockets_for(&self, workers: usize) -> SocketCounts {
        SocketCounts { workers, plain_streams: self.threads.plain.count() }
    }

    fn serves(&self, asked: ListenAddress) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.asked == asked)
    }

    /// Gains what can be refused: threads, and that they take the sockets.
    fn prepare(
        &mut self,
        kept: Vec<Option<Group>>,
        bound: Vec<Bound>,
        settings: &Settings,
    ) -> Result<ListenerChange, Error> {
        let count = settings.worker_count();
        let fresh =
            bound.into_iter().map(|bound| self.register(bound, count)).collect::<Result<Vec<_>, _>>()?;
        let sharing = Sharing::new(settings, self.affinity);
        let mut change = ListenerChange { kept, fresh, workers: Vec::new(), sharing };
        for index in self.workers.len()..settings.worker_count() {
            let responder = (self.make)(Worker { transport: Transport::Udp, index });
            let counters = Arc::clone(&self.udp_counters);
            let worker = WorkerHandle::start(index, change.assignment(index), responder, counters)
                .map_err(|cause| Error::Worker { index, cause })?;
            change.workers.push(worker);
        }
        Ok(change)
    }

    /// Its transport gets `count` responders, unless it has some.
    fn register(&mut self, bound: Bound, count: usize) -> Result<NewAddress, Error> {
        let Bound { asked, address, udp, datagrams, sockets } = bound;
        let entry = asked.protocols.entry();
        let (transport, protocol) = (entry.transport, entry.socket);
        self.streams.ready(transport, count, |index| (self.make)(Worker { transport, index }));
        let mut serve = Vec::with_capacity(sockets.len());
        for socket in sockets {
            let registered = asked.protocols.register(socket, &self.streams, &mut self.threads);
            serve.push(registered.map_err(|error| match error {
                RegisterError::Threads(cause) => Error::Runtime(cause),
                RegisterError::Socket(cause) => Error::Listen { address, protocol, cause },
            })?);
        }
        Ok(NewAddress { asked, address, group: Group { udp, datagrams }, serve })
    }

    /// Carries the change out; nothing in here can be refused. Returns what resolves when each worker and
    /// listener has taken it up.
    fn commit(&mut self, change: ListenerChange) -> Vec<oneshot::Receiver<()>> {
        let mut settled = Vec::new();
        self.affinity = change.sharing.affinity;
        // First of all: with `Affinity::Cores` a worker that is about to leave gets no more queries.
        change.steer();
        for (index, worker) in self.workers.iter_mut().enumerate().take(change.sharing.workers) {
            settled.push(worker.serve(change.assignment(index)));
        }
        let surplus = self.workers.drain(change.sharing.workers.min(self.workers.len())..);
        settled.extend(surplus.map(|worker| worker.stop().0));
        self.workers.extend(change.workers);

        for (endpoint, group) in std::mem::take(&mut self.endpoints).into_iter().zip(change.kept) {
            match group {
                Some(group) => self.endpoints.push(Endpoint { group, ..endpoint }),
                None => {
                    for listener in endpoint.listeners {
                        let stream::Stopping { closed, ended } = listener.stop();
                        settled.push(closed);
                        self.leaving.push(ended);
                    }
                }
            }
        }
        for NewAddress { asked, address, group, serve } in change.fresh {
            let listeners = serve.into_iter().map(|serve| serve()).collect();
            self.endpoints.push(Endpoint { asked, address, group, listeners });
        }
        settled
    }
}

impl Endpoint {
    /// The address with its real port.
    fn held(&self) -> ListenAddress {
        ListenAddress { address: self.address, ..self.asked }
    }

    /// One socket per worker: those that it has, and more if needed.
    fn group_of(&self, workers: usize) -> Result<Group, Error> {
        let workers = if self.asked.protocols.entry().has_datagrams { workers } else { 0 };
        let Group { udp, datagrams } = &self.group;
        let missing = workers.saturating_sub(udp.len());
        let more = match (datagrams, udp.first()) {
            (Datagrams::Shared, Some(passed)) => vec![Arc::clone(passed); missing],
            (Datagrams::Shared, None) | (Datagrams::OnePerWorker, _) => {
                listeners::bind_workers(self.address, missing)?
            }
        };
        Ok(Group { udp: udp.iter().take(workers).cloned().chain(more).collect(), datagrams: *datagrams })
    }
}

/// Waits, within the limit, until all have taken up a change. Each drops its sender then.
async fn settle(receivers: Vec<oneshot::Receiver<()>>) {
    let all = async {
        for receiver in receivers {
            let _ = receiver.await;
        }
    };
    if timeout(SETTLE_MAX, all).await.is_err() {
        tracing::warn!("a worker does not end; it is left behind");
    }
}

impl<R> fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.address).collect();
        f.debug_struct("Running")
            .field("addresses", &addresses)
            .field("workers", &self.workers.len())
            .finish()
    }
}
