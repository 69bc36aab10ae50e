//! The interfaces of this network namespace, kept up to date by the kernel.
//!
//! [`Links`] is the thing itself, for a loop that waits on descriptors;
//! [`LinkWatcher`] is the same for tokio. Both begin with a dump, apply what the
//! kernel pushes afterwards, and dump again when the kernel says that pushes
//! were lost, so that nothing is missed for good.

mod message;
mod table;

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, getsockname,
        recvfrom, send, setsockopt, socket, sockopt,
    },
};

use self::message::{Item, Messages};
pub use self::table::{Address, Interface, Interfaces, Scope};
use crate::{Error, async_fd::Watched, wait_readable};

/// The kernel makes no larger piece of a dump, and no larger push.
const BUFFER: usize = 32 * 1024;

/// Room for pushes while this process gets no time: some thousand changes.
const RECEIVE_BUFFER: usize = 1 << 20;

/// What a dump asks for, in this order.
const DUMPS: [u16; 3] = [libc::RTM_GETLINK, libc::RTM_GETADDR, libc::RTM_GETROUTE];

/// The interfaces, for a loop that waits on [`as_fd`](AsFd::as_fd).
#[derive(Debug)]
pub struct Links {
    socket: OwnedFd,
    table: Interfaces,
    /// A dump under way.
    dump: Option<Dump>,
    ready: bool,
    sequence: u32,
    /// This socket's own, which answers to its requests carry.
    port: u32,
    with_routes: bool,
    buffer: Vec<u8>,
}

/// A table that is being filled. Pushes that come meanwhile go in as well: the
/// socket keeps the order in which the kernel said things.
#[derive(Debug)]
struct Dump {
    stage: usize,
    table: Interfaces,
    /// Something was lost or changed under the dump: it cannot be trusted.
    spoiled: bool,
}

impl Links {
    /// Opens the socket and asks for everything; [`process`](Self::process) takes
    /// the answers. `with_routes` keeps default gateways, too.
    ///
    /// # Errors
    ///
    /// When netlink is not to be had.
    pub fn new(with_routes: bool) -> Result<Self, Error> {
        let open = || -> io::Result<OwnedFd> {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let protocol = SockProtocol::NetlinkRoute;
            let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
            let mut groups =
                libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
            if with_routes {
                groups |= libc::RTMGRP_IPV4_ROUTE | libc::RTMGRP_IPV6_ROUTE;
            }
            // More room is better but not needed: an overrun is dumped again.
            let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)
                .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER));
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups.cast_unsigned()))?;
            Ok(socket)
        };
        let socket = open().map_err(|source| Error::new("open a netlink socket", source))?;
        let port = getsockname::<NetlinkAddr>(socket.as_raw_fd())
            .map_err(|errno| Error::new("name a netlink socket", io::Error::from(errno)))?
            .pid();
        let mut links = Links {
            socket,
            table: Interfaces::default(),
            dump: None,
            ready: false,
            sequence: 0,
            port,
            with_routes,
            buffer: vec![0; BUFFER],
        };
        links.begin_dump()?;
        Ok(links)
    }

    /// Takes what the kernel has said since; whether the table changed by it.
    /// Does not wait.
    ///
    /// # Errors
    ///
    /// When the socket is broken for good.
    pub fn process(&mut self) -> Result<bool, Error> {
        let mut changed = false;
        loop {
            match recvfrom::<NetlinkAddr>(self.socket.as_raw_fd(), &mut self.buffer) {
                // Only the kernel is believed: it has port 0.
                Ok((_, from)) if from.is_some_and(|from| from.pid() != 0) => {}
                Ok((0, _)) => {}
                Ok((len, _)) => {
                    let bytes = std::mem::take(&mut self.buffer);
                    let result = self.take(&bytes[..len]);
                    self.buffer = bytes;
                    changed |= result?;
                }
                Err(Errno::EAGAIN) => return Ok(changed),
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => self.overrun()?,
                Err(errno) => return Err(Error::new("read link changes", io::Error::from(errno))),
            }
        }
    }

    /// Whether the first dump is complete.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The interfaces as last seen.
    pub fn table(&self) -> &Interfaces {
        &self.table
    }

    /// Waits for the first dump.
    ///
    /// # Errors
    ///
    /// As [`process`](Self::process).
    pub fn wait_ready(&mut self) -> Result<(), Error> {
        while !self.is_ready() {
            wait_readable([Some((self.as_fd(), false))], None)?;
            self.process()?;
        }
        Ok(())
    }

    fn overrun(&mut self) -> Result<(), Error> {
        match &mut self.dump {
            Some(dump) => dump.spoiled = true,
            None => self.begin_dump()?,
        }
        Ok(())
    }

    fn begin_dump(&mut self) -> Result<(), Error> {
        self.dump = Some(Dump { stage: 0, table: Interfaces::default(), spoiled: false });
        self.ask(DUMPS[0])
    }

    fn ask(&mut self, what: u16) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let request = message::dump_request(what, self.sequence);
        send(self.socket.as_raw_fd(), &request, MsgFlags::empty())
            .map(|_| ())
            .map_err(|errno| Error::new("ask for the interfaces", io::Error::from(errno)))
    }

    /// Applies one datagram; whether the table changed by it.
    fn take(&mut self, bytes: &[u8]) -> Result<bool, Error> {
        let mut changed = false;
        for message in Messages::new(bytes) {
            // Pushes carry port and number of the request that brought the change
            // about: somebody else's number may be the same as ours.
            let of_dump = message.port == self.port && message.sequence == self.sequence;
            if let Some(dump) = &mut self.dump {
                dump.spoiled |= of_dump && message.interrupted;
                dump.table.apply(&message.item);
            }
            if of_dump && message.item == Item::Done {
                changed |= self.dump_done()?;
                continue;
            }
            if let (true, Item::Failed(errno)) = (of_dump, &message.item) {
                let source = io::Error::from_raw_os_error(*errno);
                return Err(Error::new("list the interfaces", source));
            }
            if !of_dump {
                changed |= self.table.apply(&message.item);
            }
        }
        Ok(changed)
    }

    fn dump_done(&mut self) -> Result<bool, Error> {
        let Some(mut dump) = self.dump.take() else { return Ok(false) };
        if dump.spoiled {
            self.begin_dump()?;
            return Ok(false);
        }
        dump.stage += 1;
        let wanted = if self.with_routes { DUMPS.len() } else { DUMPS.len() - 1 };
        if dump.stage < wanted {
            let next = DUMPS[dump.stage];
            self.dump = Some(dump);
            self.ask(next)?;
            return Ok(false);
        }
        let changed = !self.ready || self.table != dump.table;
        self.ready = true;
        self.table = dump.table;
        Ok(changed)
    }
}

impl AsFd for Links {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The interfaces with their default gateways, for tokio.
#[derive(Debug)]
pub struct LinkWatcher {
    links: Links,
    watched: Watched,
}

impl LinkWatcher {
    /// Watches the interfaces; returns with the table filled. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When netlink is not to be had.
    pub async fn new() -> Result<Self, Error> {
        let links = Links::new(true)?;
        let watched = links
            .as_fd()
            .try_clone_to_owned()
            .and_then(Watched::new)
            .map_err(|source| Error::new("watch a netlink socket", source))?;
        let mut watcher = LinkWatcher { links, watched };
        while !watcher.links.is_ready() {
            watcher.step().await?;
        }
        Ok(watcher)
    }

    /// The interfaces as last seen.
    pub fn table(&self) -> &Interfaces {
        self.links.table()
    }

    /// Returns once the table has changed. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the socket is broken for good.
    pub async fn changed(&mut self) -> Result<(), Error> {
        while !self.step().await? {}
        Ok(())
    }

    async fn step(&mut self) -> Result<bool, Error> {
        let ready = self.watched.readable().await;
        let mut guard = ready.map_err(|source| Error::new("wait for link changes", source))?;
        // What comes in between is read at once or wakes us again.
        guard.clear_ready();
        self.links.process()
    }
}

#[cfg(test)]
mod tests;
