//! Telling systemd: started, alive, stopping. Nothing when it does not listen.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// The way to systemd, if it asked to be told.
#[derive(Debug)]
pub(crate) struct Systemd {
    socket: Option<UnixDatagram>,
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// From the environment that systemd gives a service.
    pub(crate) fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|path| match connect(path.as_bytes()) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("systemd cannot be notified: {error}");
                None
            }
        });
        let for_us =
            env::var("WATCHDOG_PID").map_or(true, |pid| pid.parse() == Ok(std::process::id()));
        let watchdog = env::var("WATCHDOG_USEC")
            .ok()
            .and_then(|micros| micros.parse().ok())
            .filter(|_| for_us && socket.is_some())
            .map(|micros| Duration::from_micros(micros) / 2);
        Systemd { socket, watchdog }
    }

    /// How often [`alive`](Self::alive) is to be called, if at all.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The daemon serves its socket and its adapters.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The main loop goes round.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The daemon ends on purpose.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(what.as_bytes())
        {
            tracing::debug!("systemd was not told {what}: {error}");
        }
    }
}

fn connect(path: &[u8]) -> io::Result<UnixDatagram> {
    let address = match path.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
