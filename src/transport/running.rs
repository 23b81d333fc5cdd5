//! A server that runs: which worker serves which socket, and how that changes
//! while queries come in.
//!
//! Responsible for starting, changing and stopping everything that serves.
//! Not responsible for how anything is served (`udp`, `tcp`), or for creating
//! sockets (`listeners`).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::affinity::Affinity;
use super::listeners::{self, Bound, Buffers, Datagrams};
use super::plan::{Fresh, Group, Plan, Sharing};
use super::udp::WorkerHandle;
use super::{Error, Inherited, Listeners, Protocol, Responder, Settings, TcpCounters, UdpCounters, tcp};

/// Longest wait for workers to take up a change, and for those that stop to
/// answer what is queued. TCP's own limit is shorter, so this one decides
/// only when a thread hangs.
const SETTLE_MAX: Duration = Duration::from_secs(4);

/// What a responder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worker {
    /// The UDP worker of this number, from 0. A number is used again when the
    /// count of workers was lowered and is raised.
    Udp(usize),
    /// All TCP connections; made once.
    Tcp,
}

/// A listen address as it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Address and port.
    pub address: SocketAddr,
    /// What the kernel gave to each of its UDP sockets.
    pub buffers: Buffers,
}

/// A server that answers. Dropping it stops it too, without waiting.
pub struct Running<R> {
    make: Box<dyn Fn(Worker) -> R + Send>,
    handle: Handle,
    served: Vec<Served>,
    workers: Vec<WorkerHandle>,
    affinity: Affinity,
    tcp: Arc<tcp::Shared<R>>,
    udp_counters: Arc<UdpCounters>,
    /// TCP services of addresses given up, whose connections may still end.
    leaving: Vec<JoinHandle<()>>,
}

/// One listen address.
struct Served {
    asked: SocketAddr,
    address: SocketAddr,
    group: Group,
    tcp: tcp::Service,
}

/// Serves `listeners`: UDP on threads of its own, TCP on the runtime of
/// `handle`, which needs I/O and time. `make` is called once per worker, now
/// and when a change adds workers.
///
/// # Errors
/// When a thread cannot be started, or the runtime does not take a socket;
/// then nothing is served.
pub fn start<R: Responder>(
    listeners: Listeners,
    make: impl Fn(Worker) -> R + Send + 'static,
    handle: Handle,
) -> Result<Running<R>, Error> {
    let Listeners { settings, bound } = listeners;
    let shared = tcp::Shared::new(settings.tcp, make(Worker::Tcp));
    let mut running = Running {
        make: Box::new(make),
        handle,
        served: Vec::new(),
        workers: Vec::new(),
        affinity: Affinity::Clients,
        tcp: Arc::new(shared),
        udp_counters: Arc::default(),
        leaving: Vec::new(),
    };
    let plan = running.plan(Vec::new(), bound, &settings)?;
    // There is nothing old, hence nothing to wait for.
    drop(running.commit(plan));
    Ok(running)
}

impl<R: Responder> Running<R> {
    /// Serves what `settings` say from now on. Sockets of addresses that stay
    /// are kept, so that not one query to them is lost; those given up answer
    /// what they have received. Waits for nobody: what is returned resolves when every worker has taken the
    /// change up and the old ports are free, or after a few seconds when one hangs.
    ///
    /// # Errors
    /// When something new cannot be had. Then nothing has changed.
    pub fn change(&mut self, settings: &Settings) -> Result<impl Future<Output = ()> + Send + use<R>, Error> {
        let workers = settings.worker_count();
        let asked = settings.addresses();
        let mut kept = Vec::with_capacity(self.served.len());
        for served in &self.served {
            let workers = if asked.contains(&served.asked) { workers } else { 0 };
            kept.push(served.group_of(workers)?);
        }
        let new: Vec<SocketAddr> = asked.iter().copied().filter(|&asked| !self.serves(asked)).collect();
        let held: Vec<SocketAddr> = self.addresses().collect();
        let bound = listeners::bind_beside(&held, &new, workers, &mut Inherited::none())?;
        if bound.is_empty() && kept.iter().all(|group| group.udp.is_empty()) {
            return Err(Error::NoAddress);
        }
        let plan = self.plan(kept, bound, settings)?;
        self.tcp.set_settings(settings.tcp);
        let settled = self.commit(plan);
        self.leaving.retain(|task| !task.is_finished());
        Ok(settle(settled))
    }

    /// Stops: no new TCP connection is accepted, the queries received are
    /// answered, and responses in flight go out, all within a few seconds.
    pub async fn stop(mut self) {
        let mut settled = Vec::new();
        let mut threads = Vec::new();
        for worker in self.workers.drain(..) {
            let (ended, thread) = worker.stop();
            settled.push(ended);
            threads.push(thread);
        }
        for served in self.served.drain(..) {
            self.leaving.push(served.tcp.stop().task);
        }
        settle(settled).await;
        for thread in threads {
            // One that hangs is left behind rather than waited for.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        for task in self.leaving.drain(..) {
            let _ = timeout(SETTLE_MAX, task).await;
        }
    }

    /// Lets every UDP worker take a turn beside its queries, idle or not. Resolves to the numbers of those
    /// that do not within `limit`: they hang, or have ended. Who does not ask pays nothing.
    pub fn pulse(&mut self, limit: Duration) -> impl Future<Output = Vec<usize>> + Send + use<R> {
        let turns = self.turns();
        let deadline = Instant::now().checked_add(limit).unwrap_or_else(Instant::now);
        async move {
            let mut still = Vec::new();
            for (index, turn) in turns.into_iter().enumerate() {
                let turned = match turn {
                    Some(turn) => timeout_at(deadline, turn).await.is_ok(),
                    None => false,
                };
                if !turned {
                    still.push(index);
                }
            }
            still
        }
    }

    /// Lets every responder look at what is newest, idle or not: one without queries would hold what it saw
    /// last, a whole zone, until it is asked. Does not wait for them.
    pub fn catch_up(&mut self) {
        drop(self.turns());
        self.tcp.catch_up();
    }

    /// Wakes every worker, to serve what it serves. Each receiver resolves when its worker has taken a turn;
    /// none for one that has ended.
    fn turns(&mut self) -> Vec<Option<oneshot::Receiver<()>>> {
        let served = &self.served;
        let sockets =
            |index| served.iter().filter_map(|served| served.group.udp.get(index).cloned()).collect();
        let workers = self.workers.iter_mut().enumerate();
        workers
            .map(|(index, worker)| (!worker.has_ended()).then(|| worker.serve(sockets(index), None)))
            .collect()
    }

    /// Where queries are answered: ports asked for as 0 are the real ones here.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.served.iter().map(|served| served.address)
    }

    /// The addresses with what the kernel gave to them.
    pub fn listening(&self) -> Vec<Listening> {
        let listening = |served: &Served| {
            let buffers = listeners::buffers(served.group.udp.first()?).ok()?;
            Some(Listening { address: served.address, buffers })
        };
        self.served.iter().filter_map(listening).collect()
    }

    /// How many UDP workers there are.
    pub fn worker_count(&self) -> usize {
        self.workers.len()
    }

    /// What happens to TCP connections.
    pub fn tcp_counters(&self) -> Arc<TcpCounters> {
        Arc::clone(&self.tcp.counters)
    }

    /// What goes wrong in UDP workers.
    pub fn udp_counters(&self) -> Arc<UdpCounters> {
        Arc::clone(&self.udp_counters)
    }

    fn serves(&self, asked: SocketAddr) -> bool {
        self.served.iter().any(|served| served.asked == asked)
    }

    /// Gains what can be refused: threads, and places in the runtime.
    fn plan(&self, kept: Vec<Group>, bound: Vec<Bound>, settings: &Settings) -> Result<Plan, Error> {
        let fresh = bound.into_iter().map(|bound| self.register(bound)).collect::<Result<Vec<_>, _>>()?;
        let sharing = Sharing::new(settings, self.affinity);
        let mut plan = Plan { kept, fresh, workers: Vec::new(), sharing };
        for index in self.workers.len()..settings.worker_count() {
            let responder = (self.make)(Worker::Udp(index));
            let counters = Arc::clone(&self.udp_counters);
            let worker = WorkerHandle::start(index, plan.place_of(index), responder, counters)
                .map_err(|cause| Error::Worker { index, cause })?;
            plan.workers.push(worker);
        }
        Ok(plan)
    }

    fn register(&self, bound: Bound) -> Result<Fresh, Error> {
        let Bound { asked, address, udp, datagrams, tcp } = bound;
        let _runtime = self.handle.enter();
        let tcp = TcpListener::from_std(tcp).map_err(|cause| Error::Listen {
            address,
            protocol: Protocol::Tcp,
            cause,
        })?;
        Ok(Fresh { asked, address, group: Group { udp, datagrams }, tcp })
    }

    /// Carries the plan out; nothing in here can be refused. Returns what
    /// resolves when those who were told have done so.
    fn commit(&mut self, plan: Plan) -> Vec<oneshot::Receiver<()>> {
        let mut settled = Vec::new();
        self.affinity = plan.sharing.affinity;
        // First of all: with `Affinity::Cores` who is about to leave gets no more queries.
        plan.steer();
        for (index, worker) in self.workers.iter_mut().enumerate().take(plan.sharing.workers) {
            let (sockets, stay_on) = plan.place_of(index);
            settled.push(worker.serve(sockets, stay_on));
        }
        let surplus = self.workers.drain(plan.sharing.workers.min(self.workers.len())..);
        settled.extend(surplus.map(|worker| worker.stop().0));
        self.workers.extend(plan.workers);

        for (mut served, group) in std::mem::take(&mut self.served).into_iter().zip(plan.kept) {
            if group.udp.is_empty() {
                let tcp::Stopping { closed, task } = served.tcp.stop();
                settled.push(closed);
                self.leaving.push(task);
            } else {
                served.group = group;
                self.served.push(served);
            }
        }
        for Fresh { asked, address, group, tcp } in plan.fresh {
            let tcp = tcp::Service::start(tcp, Arc::clone(&self.tcp), &self.handle);
            self.served.push(Served { asked, address, group, tcp });
        }
        settled
    }
}

impl Served {
    /// One socket per worker: the ones there are, and more if needed.
    fn group_of(&self, workers: usize) -> Result<Group, Error> {
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

/// Waits, within the limit, until all have done what they were told. Each
/// says so by dropping its sender.
async fn settle(receivers: Vec<oneshot::Receiver<()>>) {
    let all = async {
        for receiver in receivers {
            let _ = receiver.await;
        }
    };
    if timeout(SETTLE_MAX, all).await.is_err() {
        tracing::warn!("a worker does not come to an end; it is left behind");
    }
}

impl<R> fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.served.iter().map(|served| served.address).collect();
        f.debug_struct("Running")
            .field("addresses", &addresses)
            .field("workers", &self.workers.len())
            .finish()
    }
}
