//! Listeners, and the places of their connections.

use std::future::pending;
use std::task::{Poll, Waker};

use socket2::{Domain, Type};

use super::*;

#[test]
fn a_listener_that_others_have_too_is_forgotten_when_it_is_closed() {
    let running = Running::start();
    let (listener, address) = listener();
    let _elsewhere = listener.try_clone().unwrap();
    let (close, closing) = oneshot::channel::<()>();
    let (tell, closed) = mpsc::channel();
    running.handle.listen(listener, |mut host| async move {
        tokio::select! {
            _ = host.accept() => panic!("nobody comes"),
            _ = closing => {}
        }
        host.close();
        tell.send(()).unwrap();
        pending::<()>().await;
    });
    running.wait_until_it_sleeps();
    drop(close);
    closed.recv_timeout(LIMIT).unwrap();
    // It waits for whoever else has the listener.
    let _waits = connect(address);
    running.wait_until_it_sleeps();
}

#[test]
fn a_listener_that_cannot_accept_is_let_alone_until_it_is_tried_again() {
    let running = Running::start();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.3.92:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let later = socket.try_clone().unwrap();
    let (again, retry) = oneshot::channel::<()>();
    let (tell, refused) = mpsc::channel();
    running.handle.listen(socket, |mut host| async move {
        let Err(error) = host.accept().await else { panic!("it does not listen") };
        tell.send(error.raw_os_error()).unwrap();
        _ = retry.await;
        let (accepted, _) = host.accept().await.unwrap();
        host.spawn(accepted, echo);
        host.ended().await;
    });
    assert_eq!(refused.recv_timeout(LIMIT).unwrap(), Some(libc::EINVAL));
    running.wait_until_it_sleeps();
    later.listen(8).unwrap();
    let mut client = connect(address);
    running.wait_until_it_sleeps();
    drop(again);
    client.write_all(b"k").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
}

#[test]
fn a_waker_that_is_late_wakes_who_has_the_place_now_in_vain() {
    let running = Running::start();
    let (tell, told) = mpsc::channel::<Waker>();
    let first = running.listen(move |_| {
        let tell = tell.clone();
        poll_fn(move |context| {
            tell.send(context.waker().clone()).unwrap();
            Poll::Ready(())
        })
    });
    let (second, turns) = running.count_turns();
    assert_ended(&mut connect(first));
    let late = told.recv_timeout(LIMIT).unwrap();
    let mut client = connect(second);
    let mut exchange = |byte: u8| {
        client.write_all(&[byte]).unwrap();
        let mut heard = [0; 1];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(heard, [byte]);
    };
    exchange(1);
    running.wait_until_it_sleeps();
    let before = turns.load(Ordering::Relaxed);
    late.wake_by_ref();
    eventually("a turn in vain", || turns.load(Ordering::Relaxed) > before);
    exchange(2);
}

#[test]
fn connections_that_are_ended_with_their_listener_leave_those_of_its_neighbour_alone() {
    let running = Running::start();
    let neighbour = running.listen(echo);
    let (listener, address) = listener();
    let (stop, stopped) = oneshot::channel::<()>();
    running.handle.listen(listener, |mut host| async move {
        let accepting = async {
            while let Ok((accepted, _)) = host.accept().await {
                host.spawn(accepted, echo);
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stopped => {}
        }
    });
    let mut clients: Vec<TcpStream> = (0..20).flat_map(|_| [connect(address), connect(neighbour)]).collect();
    let exchange = |client: &mut TcpStream| {
        client.write_all(b"k").unwrap();
        client.read_exact(&mut [0; 1]).unwrap();
    };
    clients.iter_mut().for_each(exchange);
    drop(stop);
    for (place, client) in clients.iter_mut().enumerate() {
        if place % 2 == 0 {
            assert_ended(client);
        } else {
            exchange(client);
        }
    }
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}
