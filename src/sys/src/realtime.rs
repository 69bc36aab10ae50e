//! Running on time: scheduling class and resident memory.
#![expect(unsafe_code, reason = "sched_setscheduler has no safe wrapper")]

use std::{fs, io};

use nix::sys::{
    mman::{MlockAllFlags, mlockall},
    resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
};

use crate::Error;

const SCHEDULING_HINT: &str = "needs CAP_SYS_NICE in the host's user namespace, \
     as by AmbientCapabilities=CAP_SYS_NICE or LimitRTPRIO= in the unit; without it heartbeats are \
     3 to 5 ms late on a busy host instead of 0.1 ms";

const MEMORY_HINT: &str = "needs CAP_IPC_LOCK in the host's user namespace, or \
     LimitMEMLOCK=infinity in the unit; without it a host short of memory can delay heartbeats";

/// CAP_IPC_LOCK of linux/capability.h.
const CAP_IPC_LOCK: u32 = 14;

/// Puts the calling thread into SCHED_FIFO at `priority` (1 to 99). Threads and
/// processes it starts do not inherit it.
///
/// # Errors
///
/// When it is not permitted; the message names the capability.
pub fn set_realtime(priority: u8) -> Result<(), Error> {
    let mut parameters = libc::sched_param { sched_priority: libc::c_int::from(priority) };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the kernel reads one `sched_param`, which lives across the call;
    // 0 is the calling thread.
    let status = unsafe { libc::sched_setscheduler(0, policy, &raw mut parameters) };
    if status == 0 {
        return Ok(());
    }
    let doing = format!("run with SCHED_FIFO at priority {priority}");
    Err(Error::new(doing, io::Error::last_os_error()).hint(SCHEDULING_HINT))
}

/// Keeps the memory of this process resident: what it has now, and what it
/// touches later.
///
/// # Errors
///
/// When it is not permitted without limit: with a limit, a later allocation
/// would fail in the middle of work. The message names the capability.
pub fn lock_memory() -> Result<(), Error> {
    let failed = |errno: nix::errno::Errno| {
        Error::new("lock memory (mlockall)", io::Error::from(errno)).hint(MEMORY_HINT)
    };
    let unlimited = getrlimit(Resource::RLIMIT_MEMLOCK)
        .is_ok_and(|(soft, _)| soft == RLIM_INFINITY)
        || setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok()
        || is_beyond_limits();
    if !unlimited {
        return Err(failed(nix::errno::Errno::EPERM));
    }
    mlockall(MlockAllFlags::MCL_CURRENT).map_err(failed)?;
    // Later memory is locked when it is touched: reserving is not using.
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_FUTURE | on_fault).map_err(failed)
}

/// Whether limits on locked memory do not apply: CAP_IPC_LOCK, and in the
/// host's own user namespace.
fn is_beyond_limits() -> bool {
    let capable = fs::read_to_string("/proc/thread-self/status").is_ok_and(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
            .is_some_and(|bits| bits >> CAP_IPC_LOCK & 1 == 1)
    });
    let host = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_ascii_whitespace().eq(["0", "0", "4294967295"]));
    capable && host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_that_does_not_exist_is_refused_with_the_capability_named() {
        let error = set_realtime(100).unwrap_err().to_string();
        assert!(error.contains("priority 100") && error.contains("CAP_SYS_NICE"), "{error}");
    }
}
