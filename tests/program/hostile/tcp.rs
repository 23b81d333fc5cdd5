//! TCP.

use super::*;

#[test]
fn clients_that_stop_or_reset_hold_up_no_honest_one() {
    let besieged = Besieged::new();
    let to = besieged.program.listen();
    let mut kept = connect_from(Ipv4Addr::new(127, 78, 1, 1), to).expect("a listener");
    kept.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let fresh = |id| {
        let mut stream = connect_from(Ipv4Addr::new(127, 78, 1, 2), to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        try_ask(&mut stream, &query(id, &[]))
    };
    let mut held = Held::default();
    let attack = || {
        for number in 0..ATTACKS {
            let Ok(mut stream) = connect_from(attacker(number), to) else { continue };
            let asked = framed(&query(7, &[]));
            let longest = [&[255, 255], &asked[2..]].concat();
            // Whoever has lost its place already is sent away: that is no fault here.
            let _ = match number % 8 {
                // Before anything, in the length, in the header, behind it, behind a query.
                0 => Ok(()),
                1 => stream.write_all(&asked[..1]),
                2 => stream.write_all(&asked[..8]),
                3 => stream.write_all(&asked[..20]),
                4 => stream.write_all(&asked),
                // Longer than any query.
                5 => stream.write_all(&longest),
                // Queries whose responses nobody takes.
                6 => stream.write_all(&asked.repeat(200)),
                _ => {
                    let _ = stream.write_all(&asked);
                    reset(stream);
                    continue;
                }
            };
            held.hold(stream);
        }
    };
    besieged.besiege("TCP", |id| _ = ask(&mut kept, &query(id, &[])), fresh, attack);
    drop(kept);
    besieged.assert_rid(held);
}
