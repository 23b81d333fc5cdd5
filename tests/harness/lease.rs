//! A file that cannot be opened: it exists, is regular and has its length, but every open blocks.
//!
//! Another process holds a write lease on it (fcntl(2), `F_SETLEASE`). The kernel lets no other process open
//! the file until the lease is given back, or until `/proc/sys/fs/lease-break-time` (45 s) has passed. A file
//! server that is gone and a FUSE file system do the same, but a test would need more than a file for those.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::tools::{not_tried, tool};

/// Takes a write lease, says so, and holds it until it is killed, whoever asks for the file.
const HOLD: &str = r#"
$SIG{IO} = "IGNORE";
open(my $file, "+<", $ARGV[0]) or die "$!\n";
fcntl($file, 1024, 1) or die "$!\n";
$| = 1;
print "held\n";
sleep 1 while 1;
"#;

/// A file while it does not come.
pub struct Lease(Child);

impl Lease {
    /// Holds a file. None where the system cannot: no perl, or a file system without leases.
    pub fn on(path: &Path) -> Option<Lease> {
        let mut command = tool("perl")?;
        let command = command.args(["-e", HOLD]).arg(path).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut lease = Lease(command.spawn().ok()?);
        let mut said = String::new();
        BufReader::new(lease.0.stdout.take()?).read_line(&mut said).ok()?;
        if said.trim() != "held" {
            not_tried(&format!("{} cannot be held by a lease", path.display()));
            return None;
        }
        Some(lease)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
