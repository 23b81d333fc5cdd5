//! Moments, and whether the loop goes on.

use std::sync::Mutex;
use std::task::Poll;

use tokio::sync::oneshot::error::TryRecvError;

use super::*;

/// Holds the loop where it is, when a byte comes to it, until the test lets it go.
struct Gate {
    client: TcpStream,
    reached: mpsc::Receiver<()>,
    opened: mpsc::Sender<()>,
}

impl Gate {
    fn of(running: &Running) -> Self {
        let (reach, reached) = mpsc::channel();
        let (opened, open) = mpsc::channel();
        let open = Arc::new(Mutex::new(open));
        let address = running.listen(move |mut stream| {
            let (reach, open) = (reach.clone(), Arc::clone(&open));
            async move {
                while stream.read_u8().await.is_ok() {
                    reach.send(()).unwrap();
                    open.lock().unwrap().recv_timeout(LIMIT).unwrap();
                }
            }
        });
        let mut gate = Self { client: connect(address), reached, opened };
        // Its connection is accepted from here on: what comes to it has its turn after what has come to others before.
        gate.call();
        gate.reached();
        gate.open();
        gate
    }

    /// Has the loop come here.
    fn call(&mut self) {
        self.client.write_all(b"!").unwrap();
    }

    /// Waits until it is here.
    fn reached(&self) {
        self.reached.recv_timeout(LIMIT).unwrap();
    }

    fn open(&self) {
        self.opened.send(()).unwrap();
    }
}

#[test]
fn a_moment_comes_while_nothing_else_does() {
    let running = Running::start();
    let address = running.listen(|mut stream| async move {
        let mut clock = stream.clock();
        for wait in [200, 0, 50] {
            let at = clock.now() + Duration::from_millis(wait);
            poll_fn(|context| clock.poll_until(context, at)).await;
            _ = stream.write_all(b".").await;
        }
    });
    let began = Instant::now();
    let mut heard = Vec::new();
    connect(address).read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"...");
    assert!(began.elapsed() >= Duration::from_millis(249), "{:?}", began.elapsed());
}

#[test]
fn a_loop_that_waits_for_one_late_moment_sleeps_until_then() {
    const WAIT: Duration = Duration::from_millis(600);
    let running = Running::start();
    let address = running.listen(|mut stream| async move {
        let mut clock = stream.clock();
        let at = clock.now() + WAIT;
        _ = stream.write_all(b".").await;
        poll_fn(|context| clock.poll_until(context, at)).await;
    });
    let mut client = connect(address);
    client.read_exact(&mut [0; 1]).unwrap();
    running.wait_until_it_sleeps();
    let slept = || running.status("voluntary_ctxt_switches").parse::<u64>().unwrap();
    let before = slept();
    assert!(matches!(client.read(&mut [0; 1]), Ok(0)), "it ends when the moment has come");
    // Once for the moment, and once for nothing.
    let times = slept() - before;
    assert!(times <= 3, "it has slept {times} times within {WAIT:?}");
}

#[test]
fn a_long_turn_is_looked_up_from_and_its_tasks_know_how_long_it_takes() {
    const HELD: Duration = Duration::from_millis(20);
    let running = Running::start();
    let (tell, told) = mpsc::channel();
    let address = running.listen(move |mut stream| {
        let tell = tell.clone();
        async move {
            while stream.read_u8().await.is_ok() {
                tell.send(stream.clock().now().into_std()).unwrap();
            }
        }
    });
    let mut others: Vec<TcpStream> = (0..40).map(|_| connect(address)).collect();
    let ask = |others: &mut [TcpStream]| others.iter_mut().for_each(|other| other.write_all(b"?").unwrap());
    ask(&mut others);
    (0..40).for_each(|_| _ = told.recv_timeout(LIMIT).unwrap());
    let [mut before, mut first, mut last] = [(); 3].map(|()| Gate::of(&running));
    // What comes while it is held has its turn in this order.
    before.call();
    before.reached();
    first.call();
    ask(&mut others);
    last.call();
    before.open();
    first.reached();
    let mut pulse = running.handle.pulse().unwrap();
    thread::sleep(HELD);
    let opened = Instant::now();
    first.open();
    last.reached();
    let tells: Vec<Instant> = told.try_iter().collect();
    assert_eq!(tells.len(), 40, "all had their turns before the last one");
    assert_eq!(pulse.try_recv(), Err(TryRecvError::Closed), "it was asked for in that turn");
    let latest = tells.last().unwrap();
    assert!(*latest + Duration::from_millis(1) >= opened, "{:?} too old", opened - *latest);
    last.open();
}

#[test]
fn what_has_come_in_time_is_read_although_the_loop_hears_of_it_after_the_moment() {
    const WAIT: Duration = Duration::from_millis(150);
    let running = Running::start();
    let (begin, begun) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let waiting = running.listen(move |mut stream| {
        let (begin, tell) = (begin.clone(), tell.clone());
        async move {
            let mut clock = stream.clock();
            let at = clock.now() + WAIT;
            let mut read = pin!(stream.read_u8());
            let heard = poll_fn(|context| match read.as_mut().poll(context) {
                Poll::Ready(read) => Poll::Ready(read.ok()),
                Poll::Pending => {
                    _ = begin.send(());
                    clock.poll_until(context, at).map(|()| None)
                }
            });
            tell.send(heard.await).unwrap();
        }
    });
    let echoing = running.listen(echo);
    let mut others: Vec<TcpStream> = (0..300).map(|_| connect(echoing)).collect();
    for other in &mut others {
        other.write_all(b"k").unwrap();
        other.read_exact(&mut [0; 1]).unwrap();
    }
    let (mut gate, mut client) = (Gate::of(&running), connect(waiting));
    begun.recv_timeout(LIMIT).unwrap();
    let since = Instant::now();
    gate.call();
    gate.reached();
    // More than the loop hears of at a time comes before it.
    others.iter_mut().for_each(|other| other.write_all(b"k").unwrap());
    client.write_all(b"k").unwrap();
    thread::sleep((WAIT + Duration::from_millis(20)).saturating_sub(since.elapsed()));
    gate.open();
    assert_eq!(told.recv_timeout(LIMIT).unwrap(), Some(b'k'));
}

#[test]
fn a_loop_that_hangs_or_has_ended_has_no_pulse() {
    let mut running = Running::start();
    let mut gate = Gate::of(&running);
    let pulse = running.handle.pulse().unwrap();
    // It is dropped.
    assert!(pulse.blocking_recv().is_err());
    gate.call();
    gate.reached();
    let mut pulse = running.handle.pulse().unwrap();
    assert_eq!(pulse.try_recv(), Err(TryRecvError::Empty));
    gate.open();
    assert!(pulse.blocking_recv().is_err());
    running.handle.end();
    running.thread.take().unwrap().join().unwrap();
    assert!(running.handle.pulse().is_none());
}

#[test]
fn a_loop_that_ends_by_a_fault_has_no_pulse_and_closes_what_it_had() {
    let mut running = Running::start();
    let address = running.listen(|_| async { panic!("as a test wants it") });
    let mut client = connect(address);
    assert_ended(&mut client);
    assert!(running.thread.take().unwrap().join().is_err());
    assert!(running.handle.pulse().is_none());
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}
