//! Work that comes late or never, as a channel that somebody else holds.

use std::sync::mpsc::channel;

use super::*;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for a thread to be started, short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

/// Work that is under way until the other end is dropped or used.
fn stuck(path: &Path) -> (io::Result<()>, mpsc::Sender<()>) {
    let (release, held) = channel::<()>();
    let work = move |_: &Left| {
        let _ = held.recv();
        Ok(())
    };
    (patiently_for(path, SHORT, work), release)
}

fn is_pending(path: &Path) -> bool {
    pending().iter().any(|one| one.path == path)
}

fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "it never came true");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_comes_is_given_with_its_error_and_is_not_pending_then() {
    let path = Path::new("/test/comes");
    assert_eq!(patiently(path, |_| Ok(7)).unwrap(), 7);
    let refused = patiently(path, |_| Err::<(), _>(ErrorKind::PermissionDenied.into()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(!is_pending(path));
}

#[test]
fn what_does_not_come_is_an_error_in_time_and_at_once_until_it_has_come() {
    let path = Path::new("/test/never");
    let (late, release) = stuck(path);
    assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(is_pending(path));
    // Nobody is sent after it again.
    let again = patiently(path, |_| -> io::Result<()> { panic!("it is touched again") });
    assert!(again.unwrap_err().to_string().starts_with("nothing has come of it for "));
    // Others are not held up by it.
    assert_eq!(patiently(Path::new("/test/other"), |_| Ok(8)).unwrap(), 8);
    drop(release);
    wait_until(|| !is_pending(path));
    assert_eq!(patiently(path, |_| Ok(9)).unwrap(), 9);
}

#[test]
fn work_that_panics_is_an_error_and_the_next_is_done() {
    let path = Path::new("/test/panic");
    let broken = patiently(path, |_| -> io::Result<()> { panic!("as is meant here") });
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Other);
    assert!(!is_pending(path));
    assert_eq!(patiently(path, |_| Ok(1)).unwrap(), 1);
}

#[test]
fn a_file_without_end_is_left_when_nobody_waits_or_it_is_too_long() {
    let left = Left::default();
    let mut taken = 0;
    let mut count = |piece: &[u8]| {
        taken += piece.len();
        Ok(())
    };
    let too_long = pieces(&mut io::repeat(0), 3 * PIECE_BYTES as u64, &left, &mut count);
    assert_eq!(too_long.unwrap_err().kind(), ErrorKind::FileTooLarge);
    left.0.store(true, Ordering::Relaxed);
    let unwanted = pieces(&mut io::repeat(0), u64::MAX, &left, &mut count);
    assert_eq!(unwanted.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(taken, 3 * PIECE_BYTES);
}

#[test]
fn beside_a_file_that_does_not_come_a_long_one_still_has_the_time_of_its_length() {
    let (late, release) = stuck(Path::new("/test/hangs"));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
    let wait = |bytes| begin(Path::new("/test/long"), wait_for_bytes(bytes), &Left::default());
    let (id, short) = wait(0).unwrap();
    end(id);
    let (id, long) = wait(20 * BYTES_PER_SECOND_MIN).unwrap();
    end(id);
    assert!(short < WAIT_MAX, "{short:?}");
    assert_eq!(long - short, Duration::from_secs(20));
    drop(release);
    wait_until(|| !is_pending(Path::new("/test/hangs")));
}
