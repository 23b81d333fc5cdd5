//! Which core a worker runs on, and which queries it gets.
//!
//! Divides the cores among the workers, and gives the kernel the same division, by which it chooses the
//! worker of a datagram.
//!
//! The sockets of an address form a group, in the order in which they were bound, that is, of the workers
//! (`SO_REUSEPORT`, socket(7)). By default the kernel chooses by a hash of the client's address and port. A
//! filter attached to the group chooses by the core on which the datagram arrived. While a socket of a worker
//! that has left lingers for a response that is still to be sent, sockets of new workers come after it; once
//! it is closed, another worker answers their queries.

use std::io;
use std::os::fd::AsFd;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::mmsg;

/// How clients and workers come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Affinity {
    /// The kernel spreads the clients over the workers, which run on any core.
    #[default]
    Clients,
    /// Each worker stays on cores of its own and gets the queries that arrive there. Nothing goes from core
    /// to core; but the network card must spread what it receives over the cores, or one worker does all the
    /// work.
    Cores,
}

/// The cores that the process may use, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cores(Vec<usize>);

impl Cores {
    /// Those of the calling thread, which is not a worker.
    ///
    /// # Errors
    /// Those of sched_getaffinity(2).
    pub(super) fn allowed() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()))
    }

    /// Those on which worker `index` of `workers` stays; none where there are more workers than cores.
    pub(super) fn of_worker(&self, index: usize, workers: usize) -> Self {
        Self(self.0.iter().copied().skip(index).step_by(workers.max(1)).collect())
    }

    /// Keeps the calling thread on these; with none of them it stays as it is.
    ///
    /// # Errors
    /// Those of sched_setaffinity(2).
    pub(super) fn stay_on(&self) -> io::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut set = CpuSet::new();
        self.0.iter().for_each(|&core| set.set(core));
        Ok(sched_setaffinity(None, &set)?)
    }

    /// Gives each datagram that arrives at the group of `socket` to the one of `workers` that stays on the
    /// core where it arrived.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub(super) fn steer(&self, socket: &impl AsFd, workers: usize) -> io::Result<()> {
        mmsg::choose_by(socket, &self.filter(workers))
    }

    /// The filter: the number of the arrival's core is looked for among ours, one after the other, and the
    /// place of its worker returned.
    fn filter(&self, workers: usize) -> Vec<libc::sock_filter> {
        let workers = word(workers.max(1));
        let mut filter = vec![instruction(LOAD, CORE_OF_ARRIVAL)];
        for (worker, &core) in (0..workers).cycle().zip(&self.0) {
            // For another core the filter jumps over the return that follows.
            filter.push(libc::sock_filter { jf: 1, ..instruction(JUMP_IF_EQUAL, word(core)) });
            filter.push(instruction(RETURN, worker));
        }
        // A core where we may not run has datagrams, too.
        filter.extend([instruction(MODULO, workers), instruction(RETURN_ACCUMULATOR, 0)]);
        filter
    }
}

// Instructions of the classic packet filter (linux/bpf_common.h, linux/filter.h).
const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const MODULO: u32 = libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
const RETURN_ACCUMULATOR: u32 = libc::BPF_RET | libc::BPF_A;

/// SKF_AD_OFF + SKF_AD_CPU: what is loaded from there is the number of the core at work.
const CORE_OF_ARRIVAL: u32 = 0xffff_f000 + 36;

fn instruction(code: u32, operand: u32) -> libc::sock_filter {
    #[allow(clippy::cast_possible_truncation, reason = "all codes above have 8 bits")]
    let code = code as u16;
    libc::sock_filter { code, jt: 0, jf: 0, k: operand }
}

fn word(number: usize) -> u32 {
    // Cores and workers are counted in hundreds.
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use super::*;

    /// What the filter returns at a core, worked out as the kernel does.
    fn worker_at(core: u32, filter: &[libc::sock_filter]) -> u32 {
        let mut at = 0;
        loop {
            let step = filter[at];
            at += 1;
            match u32::from(step.code) {
                LOAD => assert_eq!(step.k, CORE_OF_ARRIVAL),
                JUMP_IF_EQUAL => at += usize::from(if core == step.k { step.jt } else { step.jf }),
                MODULO => return core % step.k,
                RETURN => return step.k,
                code => panic!("{code}"),
            }
        }
    }

    #[test]
    fn every_core_has_a_worker_and_it_runs_there() {
        let cores = Cores(vec![0, 2, 4, 6, 8, 10]);
        for workers in 1..=6 {
            let filter = cores.filter(workers);
            for &core in &cores.0 {
                let worker = worker_at(word(core), &filter) as usize;
                assert!(cores.of_worker(worker, workers).0.contains(&core), "{core} of {workers} workers");
            }
            let shares = (0..workers).map(|index| cores.of_worker(index, workers).0.len());
            assert_eq!(shares.clone().sum::<usize>(), 6);
            assert!(shares.clone().max().unwrap() - shares.min().unwrap() <= 1, "{workers} workers");
        }
    }

    #[test]
    fn what_arrives_where_no_worker_may_run_is_spread_too() {
        let filter = Cores(vec![0, 2]).filter(2);
        assert_eq!([1, 3, 5, 7, 8].map(|core| worker_at(core, &filter)), [1, 1, 1, 1, 0]);
    }

    #[test]
    fn workers_beyond_the_cores_stay_where_they_are() {
        let cores = Cores(vec![3, 5]);
        assert_eq!(cores.of_worker(1, 4), Cores(vec![5]));
        assert_eq!(cores.of_worker(2, 4), Cores(Vec::new()));
    }
}
