//! What the kernel knows of processes.

use std::fs;

/// Resident memory of a process in bytes; nothing when it is gone.
pub fn rss_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    rss_of(&status)
}

fn rss_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_has_memory() {
        assert!(rss_bytes(std::process::id()).is_some_and(|bytes| bytes > 100_000));
    }

    #[test]
    fn process_that_is_gone_has_none() {
        assert_eq!(rss_bytes(u32::MAX), None);
        assert_eq!(rss_of("Name:\tkthreadd\n"), None);
    }
}
