//! The allocator of the C library: what the program has freed, given back to the system.
//!
//! Holds one `unsafe` block; what it offers is safe. When it is time is not its matter.

#![allow(unsafe_code, reason = "std has no call for it")]

/// Gives free memory back to the system. It would stay with the process otherwise, between blocks that are in use: after a
/// million names were signed a third of all. Blocks for some milliseconds, and so does who allocates meanwhile; does
/// nothing where the C library is not glibc.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes the allocator's own locks, and touches no block that is in use (malloc_trim(3): MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resident_bytes() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() << 10
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn what_was_freed_between_blocks_in_use_is_given_back() {
        /// Below the size from which the C library maps each block by itself.
        const BLOCK_BYTES: usize = 16 << 10;
        const BLOCKS: usize = 4096;
        let mut blocks: Vec<Box<[u8]>> = (0..BLOCKS).map(|_| vec![1; BLOCK_BYTES].into()).collect();
        let mut place = 0;
        blocks.retain(|_| {
            place += 1;
            place % 64 == 0
        });
        let before = resident_bytes();
        give_back();
        let given = before.saturating_sub(resident_bytes());
        // Tests beside this one allocate, too.
        assert!(given > (BLOCKS * BLOCK_BYTES) as u64 / 2, "{given} of {before} bytes");
        assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == 1)));
    }
}
