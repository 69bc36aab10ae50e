//! Who this node is, across restarts.
//!
//! The identity is kept in the state directory, which one hatsd at a time
//! holds. Where it cannot be kept it is computed from what does not change, so
//! that a restarted daemon is still the same node.

use std::{
    fmt::Write as _,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use hats_wire::{Incarnation, NodeId};

/// Where state is kept unless told otherwise.
pub(crate) const DEFAULT_STATE_DIR: &str = "/var/lib/hats";

const IDENTITY_FILE: &str = "identity";
const LOCK_FILE: &str = "hatsd.lock";

/// Who this node is, and this run of its daemon.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) node_id: NodeId,
    pub(crate) incarnation: Incarnation,
    /// The state directory, if it is this daemon's.
    pub(crate) dir: Option<PathBuf>,
    /// Why it is not kept, if it is not.
    pub(crate) warning: Option<String>,
    /// Held as long as the daemon runs.
    _lock: Option<File>,
}

/// What an identity is made of.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// The host's machine-id; copies of a virtual machine share it.
    pub(crate) machine_id: String,
    /// The node's name.
    pub(crate) node: String,
    /// The hardware addresses of the interfaces.
    pub(crate) macs: Vec<Vec<u8>>,
}

/// Why the daemon may not run with this state directory.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another hatsd holds it.
    Held { path: PathBuf, pid: Option<u32> },
    /// It was named, and it cannot be used.
    Unusable { path: PathBuf, error: io::Error },
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Held { path, pid } => {
                write!(f, "the state directory {} is held by {}", path.display(), holder(*pid))
            }
            Refused::Unusable { path, error } => {
                write!(f, "the state directory {} cannot be used: {error}", path.display())
            }
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another hatsd".to_owned(), |pid| format!("another hatsd (pid {pid})"))
}

impl Seed {
    /// The seed of this host.
    pub(crate) fn of_host(node: &str, macs: Vec<Vec<u8>>) -> Self {
        let machine_id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        Seed { machine_id: machine_id.trim().to_owned(), node: node.to_owned(), macs }
    }

    /// Tells whether a kept identity is this node's, or a copy of another's.
    fn mark(&self) -> u64 {
        hash(&[self.machine_id.as_bytes(), self.node.as_bytes()])
    }

    fn fresh(&self, random: u64) -> NodeId {
        let id = hash(&[self.machine_id.as_bytes(), self.node.as_bytes(), &random.to_be_bytes()]);
        NodeId(id.max(1))
    }

    /// Without anything kept: from what is the same at the next start.
    fn computed(&self) -> NodeId {
        let mut macs = self.macs.clone();
        macs.sort();
        let mut parts = vec![self.machine_id.as_bytes(), self.node.as_bytes()];
        parts.extend(macs.iter().map(Vec::as_slice));
        NodeId(hash(&parts).max(1))
    }
}

/// FNV-1a of 64 bits with its bits mixed at the end (the finaliser of
/// MurmurHash3); each part ends, so that ("ab", "c") is not ("a", "bc").
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The identity in `named` or, when nothing is named, in the default directory.
///
/// A directory that was named must work; the default one may be missing, held
/// or read-only, and then the identity is computed instead.
pub(crate) fn establish(named: Option<&Path>, seed: &Seed) -> Result<Identity, Refused> {
    let path = named.unwrap_or(Path::new(DEFAULT_STATE_DIR));
    match keep(path, seed) {
        Ok(identity) => Ok(identity),
        Err(refused) if named.is_some() => match &refused {
            Refused::Held { .. } => Err(refused),
            Refused::Unusable { error, .. } if is_missing_privilege(error) => {
                Ok(volatile(seed, &refused))
            }
            Refused::Unusable { .. } => Err(refused),
        },
        Err(refused) => Ok(volatile(seed, &refused)),
    }
}

fn is_missing_privilege(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn volatile(seed: &Seed, refused: &Refused) -> Identity {
    let warning = format!(
        "{refused}; this run uses an identity computed from machine-id, node name and hardware \
         addresses"
    );
    Identity {
        node_id: seed.computed(),
        incarnation: Incarnation(unix_millis()),
        dir: None,
        warning: Some(warning),
        _lock: None,
    }
}

/// What the identity file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Kept {
    node_id: NodeId,
    incarnation: u64,
    mark: u64,
}

fn keep(path: &Path, seed: &Seed) -> Result<Identity, Refused> {
    let unusable = |error| Refused::Unusable { path: path.to_owned(), error };
    fs::create_dir_all(path).map_err(unusable)?;
    let lock = lock(path)?;
    let file = path.join(IDENTITY_FILE);
    let kept = match fs::read_to_string(&file) {
        Ok(text) => read(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unusable(error)),
    };
    let mine = kept.filter(|kept| kept.mark == seed.mark());
    let node_id = match mine {
        Some(kept) => kept.node_id,
        None => seed.fresh(random().map_err(unusable)?),
    };
    let last = mine.map_or(0, |kept| kept.incarnation);
    let incarnation = last.saturating_add(1).max(unix_millis());
    write(&file, &Kept { node_id, incarnation, mark: seed.mark() }).map_err(unusable)?;
    let warning = (kept.is_some() && mine.is_none()).then(|| {
        format!(
            "{} was written by another host or for another node name; this node takes a new \
             identity, {node_id}",
            file.display()
        )
    });
    Ok(Identity {
        node_id,
        incarnation: Incarnation(incarnation),
        dir: Some(path.to_owned()),
        warning,
        _lock: Some(lock),
    })
}

/// Holds the directory, and says in the file who does.
fn lock(path: &Path) -> Result<File, Refused> {
    let unusable = |error| Refused::Unusable { path: path.to_owned(), error };
    let mut options = File::options();
    let file = path.join(LOCK_FILE);
    let mut lock = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(Refused::Held { path: path.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    lock.set_len(0).map_err(unusable)?;
    writeln!(lock, "{}", std::process::id()).map_err(unusable)?;
    Ok(lock)
}

fn read(text: &str) -> Option<Kept> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    Some(Kept {
        node_id: NodeId(u64::from_str_radix(value("node_id")?, 16).ok()?),
        incarnation: value("incarnation")?.parse().ok()?,
        mark: u64::from_str_radix(value("host")?, 16).ok()?,
    })
}

/// Written beside and moved over: after a crash the file is the old or the new
/// one, never half of one.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# Who this node is. Written by hatsd at each start.");
    let _ = writeln!(text, "node_id = {}", kept.node_id);
    let _ = writeln!(text, "incarnation = {}", kept.incarnation);
    let _ = writeln!(text, "host = {:016x}", kept.mark);
    let beside = file.with_extension("new");
    let mut new = File::create(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&beside, file)
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(node: &str) -> Seed {
        Seed {
            machine_id: "0123456789abcdef".to_owned(),
            node: node.to_owned(),
            macs: vec![vec![2, 0, 0, 0, 0, 1], vec![2, 0, 0, 0, 0, 2]],
        }
    }

    #[test]
    fn a_restarted_daemon_is_the_same_node_in_a_later_incarnation() {
        let dir = tempfile::tempdir().unwrap();
        let first = establish(Some(dir.path()), &seed("n1")).unwrap();
        assert_eq!(first.warning, None);
        let (id, incarnation) = (first.node_id, first.incarnation);
        drop(first);
        let second = establish(Some(dir.path()), &seed("n1")).unwrap();
        assert_eq!(second.node_id, id);
        assert!(second.incarnation > incarnation);
    }

    #[test]
    fn incarnations_grow_even_when_the_clock_went_back() {
        let dir = tempfile::tempdir().unwrap();
        let seed = seed("n1");
        let future = unix_millis() + 1_000_000;
        let kept = Kept { node_id: NodeId(7), incarnation: future, mark: seed.mark() };
        write(&dir.path().join(IDENTITY_FILE), &kept).unwrap();
        let identity = establish(Some(dir.path()), &seed).unwrap();
        assert_eq!(identity.node_id, NodeId(7));
        assert_eq!(identity.incarnation, Incarnation(future + 1));
    }

    #[test]
    fn hosts_that_share_a_machine_id_and_a_name_still_differ() {
        let one = tempfile::tempdir().unwrap();
        let two = tempfile::tempdir().unwrap();
        let a = establish(Some(one.path()), &seed("n1")).unwrap();
        let b = establish(Some(two.path()), &seed("n1")).unwrap();
        assert_ne!(a.node_id, b.node_id);
    }

    #[test]
    fn a_copied_state_directory_gives_no_second_node_of_the_same_identity() {
        let dir = tempfile::tempdir().unwrap();
        let original = establish(Some(dir.path()), &seed("n1")).unwrap().node_id;
        let copy = establish(Some(dir.path()), &seed("n2")).unwrap();
        assert_ne!(copy.node_id, original);
        assert!(copy.warning.unwrap().contains("another host or for another node name"));
    }

    #[test]
    fn a_held_state_directory_is_refused_by_the_pid_of_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let _first = establish(Some(dir.path()), &seed("n1")).unwrap();
        let refused = establish(Some(dir.path()), &seed("n1")).unwrap_err().to_string();
        let pid = format!("(pid {})", std::process::id());
        assert!(refused.contains(&pid) && refused.contains("is held by"), "{refused}");
    }

    #[test]
    fn a_computed_identity_is_the_same_at_each_start_and_another_on_each_host() {
        let refused = Refused::Held { path: "/x".into(), pid: None };
        let mut other_macs = seed("n1");
        other_macs.macs.reverse();
        let id = volatile(&seed("n1"), &refused).node_id;
        assert_eq!(volatile(&other_macs, &refused).node_id, id);
        other_macs.macs[0][5] = 9;
        assert_ne!(volatile(&other_macs, &refused).node_id, id);
        assert_ne!(volatile(&seed("n2"), &refused).node_id, id);
    }

    #[test]
    fn a_damaged_identity_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(IDENTITY_FILE), "node_id = xyz\n").unwrap();
        let first = establish(Some(dir.path()), &seed("n1")).unwrap().node_id;
        assert_eq!(establish(Some(dir.path()), &seed("n1")).unwrap().node_id, first);
    }
}
