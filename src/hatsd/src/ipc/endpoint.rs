//! The socket's place in the file system: one daemon each.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream as StdStream},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hats_proto::ipc::{self, reply, request};
use hats_wire::link::Frames;
use nix::unistd::{Group, chown};
use prost::Message as _;

use super::permission::GROUP;

/// How long the daemon that has the socket may take to say its name.
const NAME_WAIT: Duration = Duration::from_secs(1);

/// The socket, as long as this daemon has it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    path: PathBuf,
    /// Who may not subscribe and could, for the log.
    pub(crate) warning: Option<String>,
    _lock: File,
}

/// Why there is no socket.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another daemon has it; who, in words.
    Served { path: PathBuf, by: String },
    /// Something else is there.
    NotASocket { path: PathBuf },
    /// The system refused.
    Io { path: PathBuf, what: &'static str, error: io::Error },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Served { path, by } => {
                write!(f, "{} is already served by {by}", path.display())
            }
            OpenError::NotASocket { path } => {
                write!(f, "{} exists and is not a socket, expected nothing there", path.display())
            }
            OpenError::Io { path, what, error } => {
                write!(f, "{}: the {what} cannot be made: {error}", path.display())
            }
        }
    }
}

impl Endpoint {
    /// Listens at `path`. A socket that nobody serves any more is replaced;
    /// one that is served is left alone, and the error names who serves it.
    pub(crate) fn open(path: &Path) -> Result<(Endpoint, UnixListener), OpenError> {
        let failed = |what| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, what, error }
        };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(failed("directory"))?;
        }
        if let Some(by) = served_by(path) {
            return Err(OpenError::Served { path: path.to_owned(), by });
        }
        // Between looking and binding another daemon could do the same.
        let lock = lock(path)?;
        match fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => {
                fs::remove_file(path).map_err(failed("socket"))?;
            }
            Ok(_) => return Err(OpenError::NotASocket { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("socket")(error)),
        }
        let listener = UnixListener::bind(path).map_err(failed("socket"))?;
        listener.set_nonblocking(true).map_err(failed("socket"))?;
        let warning = open_to_group(path).map_err(failed("socket"))?;
        Ok((Endpoint { path: path.to_owned(), warning, _lock: lock }, listener))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // A leftover is replaced by the next daemon.
        let _ = fs::remove_file(&self.path);
    }
}

/// Lets members of the group in, if there is one. Until then the socket has
/// the mode that the umask gives, which lets no others write.
fn open_to_group(path: &Path) -> io::Result<Option<String>> {
    let group = Group::from_name(GROUP).ok().flatten();
    let (mode, warning) = match group {
        None => (
            0o600,
            Some(format!("there is no group {GROUP}: only root and this user may subscribe")),
        ),
        Some(group) => match chown(path, None, Some(group.gid)) {
            Ok(()) => (0o660, None),
            Err(error) => {
                let reason = format!("the socket cannot be given to group {GROUP}: {error}");
                (0o600, Some(reason))
            }
        },
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(warning)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = PathBuf::from(name);
    let failed = |error| OpenError::Io { path: file.clone(), what: "lock", error };
    let mut options = File::options();
    let mut lock =
        options.read(true).write(true).create(true).truncate(false).open(&file).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only for the message.
            let _ = lock.read_to_string(&mut pid);
            let by = format!("a hatsd that does not answer (pid {})", pid.trim());
            return Err(OpenError::Served { path: path.to_owned(), by });
        }
    }
    lock.set_len(0).map_err(failed)?;
    writeln!(lock, "{}", std::process::id()).map_err(failed)?;
    Ok(lock)
}

/// Who serves the socket, in words; nobody when it is not there or stale.
fn served_by(path: &Path) -> Option<String> {
    let stream = StdStream::connect(path).ok()?;
    Some(match ask_name(stream) {
        Some(who) => {
            format!("hatsd of node {} (pid {}, cluster {})", who.node, who.pid, who.cluster)
        }
        None => "a program that does not answer as hatsd does".to_owned(),
    })
}

fn ask_name(mut stream: StdStream) -> Option<ipc::Welcome> {
    let hello = ipc::Hello { version_min: 1, version_max: 1, client: "hatsd".to_owned() };
    let request = ipc::Request { body: Some(request::Body::Hello(hello)) };
    stream.set_write_timeout(Some(NAME_WAIT)).ok()?;
    stream.write_all(&request.encode_length_delimited_to_vec()).ok()?;
    let until = Instant::now() + NAME_WAIT;
    let mut frames = Frames::new();
    let mut buffer = [0; 1024];
    loop {
        if let Some(frame) = frames.next().ok()? {
            return match ipc::Reply::decode(frame.as_slice()).ok()?.body? {
                reply::Body::Welcome(welcome) => Some(welcome),
                reply::Body::Snapshot(_)
                | reply::Body::Event(_)
                | reply::Body::Lost(_)
                | reply::Body::Error(_)
                | reply::Body::KeepAlive(_)
                | reply::Body::Pong(_)
                | reply::Body::Changes(_)
                | reply::Body::EventsEnd(_) => None,
            };
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            taken => frames.push(&buffer[..taken]),
        }
    }
}
