//! TLS.

use super::*;

#[test]
fn clients_that_stop_or_reset_hold_up_no_honest_one() {
    let besieged = Besieged::new();
    let (to, plain) = (besieged.encrypted.tls, besieged.program.listen());
    let mut kept = secured_for(b"dot", connect_from(Ipv4Addr::new(127, 78, 1, 1), to).expect("a listener"));
    ask(&mut kept, &query(1, &[]));
    let fresh = |id| {
        // Whoever begins handshakes holds up nobody who begins none.
        ask(&mut connect_from(Ipv4Addr::new(127, 78, 1, 3), plain)?, &query(id, &[]));
        let mut client = secured_for(b"dot", connect_from(Ipv4Addr::new(127, 78, 1, 2), to)?);
        try_ask(&mut client, &query(id, &[]))
    };
    let mut held = Held::default();
    let attack = || {
        let greeting = greeting(b"dot");
        let other = [22, 3, 1, 255, 255].repeat(2000);
        for number in 0..ATTACKS {
            let Ok(mut stream) = connect_from(attacker(number), to) else { continue };
            let _ = match number % 10 {
                // Before a handshake, in its first record, behind it.
                0 => Ok(()),
                1 | 2 => stream.write_all(&greeting[..5]),
                3 | 4 => stream.write_all(&greeting[..100]),
                5 | 6 => stream.write_all(&greeting),
                // Records that are too long, and no handshake.
                7 => stream.write_all(&other),
                8 => {
                    let _ = stream.write_all(&greeting);
                    reset(stream);
                    continue;
                }
                // Behind a handshake, in a query.
                _ => {
                    let mut client = secured_for(b"dot", stream);
                    let asked = client.write_all(&framed(&query(7, &[]))[..9]).and_then(|()| client.flush());
                    stream = client.sock;
                    asked
                }
            };
            held.hold(stream);
        }
    };
    besieged.besiege("TLS", |id| _ = ask(&mut kept, &query(id, &[])), fresh, attack);
    let tcp = besieged.encrypted.site.status()["tcp"].clone();
    assert!(tcp["handshakes"]["under_way"].as_u64().is_some_and(|count| count <= 256), "{tcp}");
    drop(kept);
    besieged.assert_rid(held);
}
