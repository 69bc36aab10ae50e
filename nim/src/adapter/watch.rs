//! What the adapter's thread does: look, decide whether the sockets can be open,
//! tell.

use std::{
    net::IpAddr,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc::Receiver,
};

use hats_sys::{
    AdapterSocket, Arp, Carrier, Echo, Error, Group, Links, SocketConfig, monotonic_ns,
    wait_readable,
};
use hats_wire::link::{Configure, EVERYBODY_PORT, Link, Mode, everybody};

use super::{News, Sockets, Teller, drain};

/// How often the carrier is asked for: with each heartbeat, within these bounds.
///
/// The kernel pushes a loss of carrier at once, but one within a second after any
/// other, on any interface of the host, only when that second is over.
const ASK_MIN_NS: u64 = 10_000_000;

/// See [`ASK_MIN_NS`].
const ASK_MAX_NS: u64 = 250_000_000;

/// At least this often while the host is restless: troubles come together.
const ASK_RESTLESS_NS: u64 = 20_000_000;

/// Restless is a host for this long after its start and after any change.
const RESTLESS_NS: u64 = 120_000_000_000;

/// At least this often while the kernel holds changes back...
const ASK_HURRIED_NS: u64 = 5_000_000;

/// ... which is for this long after one.
const HURRY_NS: u64 = 1_200_000_000;

/// Opening that failed is tried again after this, then twice this, and so on.
const RETRY_MIN_NS: u64 = 5_000_000;

/// But at least this often.
const RETRY_MAX_NS: u64 = 1_000_000_000;

pub(super) struct Watch<'a> {
    config: Configure,
    links: Links,
    asker: Carrier,
    teller: &'a Teller,
    /// What the loop was told last.
    told: Option<Link>,
    /// The carrier as the kernel pushed it last, and as it is.
    pushed: bool,
    carrier: bool,
    ask_at: u64,
    hurry_until: u64,
    restless_until: u64,
    /// How the loop's sockets were opened.
    open: Option<SocketConfig>,
    error: String,
    retry_at: u64,
    retry_after: u64,
}

impl<'a> Watch<'a> {
    /// Watches until the process ends.
    pub(super) fn run(
        config: Configure,
        teller: &'a Teller,
        orders: &Receiver<Configure>,
        nudged: &UnixStream,
    ) -> Result<(), Error> {
        let mut links = Links::new(false)?;
        links.wait_ready()?;
        let mut watch = Watch {
            config,
            links,
            asker: Carrier::new()?,
            teller,
            told: None,
            pushed: false,
            carrier: false,
            ask_at: 0,
            hurry_until: 0,
            restless_until: monotonic_ns() + RESTLESS_NS,
            open: None,
            error: String::new(),
            retry_at: 0,
            retry_after: RETRY_MIN_NS,
        };
        loop {
            watch.look();
            let fds = [Some((watch.links.as_fd(), false)), Some((nudged.as_fd(), false))];
            let [links, nudge] = wait_readable(fds, watch.wake_at())?;
            if links.readable && watch.links.process()? {
                watch.hurry(monotonic_ns());
                watch.retry_at = 0;
                watch.retry_after = RETRY_MIN_NS;
            }
            if nudge.readable {
                drain(nudged);
                for config in orders.try_iter() {
                    watch.config = config;
                    watch.retry_at = 0;
                }
            }
        }
    }

    /// When to look although nothing was pushed.
    fn wake_at(&self) -> Option<u64> {
        let told = self.told.as_ref();
        let ask = told.is_some_and(|link| link.admin_up).then_some(self.ask_at);
        let retry = (!self.error.is_empty()).then_some(self.retry_at);
        [ask, retry].into_iter().flatten().min()
    }

    fn look(&mut self) {
        let now = monotonic_ns();
        let mut link = self.state(now);
        let wanted = self.wanted(&link);
        let close = self.open.is_some() && self.open != wanted;
        if close {
            self.open = None;
        }
        let mut sockets = None;
        match wanted {
            Some(wanted) if self.open.is_none() => {
                if now >= self.retry_at {
                    sockets = self.try_open(wanted, now);
                }
            }
            Some(_) => {}
            None => self.error.clear(),
        }
        link.open = self.open.is_some();
        link.error.clone_from(&self.error);
        self.tell(link, close, sockets);
    }

    /// The interface as it is, without the sockets.
    fn state(&mut self, now: u64) -> Link {
        let interface = self.links.table().named(&self.config.interface);
        let pushed = interface.is_some_and(|interface| interface.carrier);
        let admin_up = interface.is_some_and(|interface| interface.admin_up);
        let lost = self.pushed && !pushed;
        self.pushed = pushed;
        if lost || !admin_up {
            // Said by the kernel this moment: no need to ask.
            self.carrier = false;
        } else if now >= self.ask_at || pushed != self.carrier {
            self.carrier = self.asker.now(&self.config.interface).unwrap_or(pushed);
            self.ask_at = now + self.ask_after(now);
        }
        let Some(interface) = interface else {
            return Link { at_ns: now, ..Link::default() };
        };
        let mut own = interface
            .addresses
            .iter()
            .filter(|known| known.address == self.config.address)
            .peekable();
        let address_duplicate = own.peek().is_some_and(|known| known.duplicate);
        Link {
            at_ns: now,
            present: true,
            ifindex: interface.index,
            admin_up,
            carrier: self.carrier,
            address: own.any(|known| known.is_usable()),
            address_duplicate,
            open: false,
            mac: interface.mac.clone(),
            mtu: interface.mtu,
            error: String::new(),
        }
    }

    fn ask_after(&self, now: u64) -> u64 {
        let beat = self.config.heartbeat_interval_ns.clamp(ASK_MIN_NS, ASK_MAX_NS);
        if now < self.hurry_until {
            ASK_HURRIED_NS
        } else if now < self.restless_until {
            beat.min(ASK_RESTLESS_NS)
        } else {
            beat
        }
    }

    /// Something has changed: look closely for a while.
    fn hurry(&mut self, now: u64) {
        self.hurry_until = now + HURRY_NS;
        self.restless_until = now + RESTLESS_NS;
        self.ask_at = self.ask_at.min(now + ASK_HURRIED_NS);
    }

    /// How the sockets should be open now, if at all.
    fn wanted(&self, link: &Link) -> Option<SocketConfig> {
        let Configure { interface, address, port, mode, group, .. } = &self.config;
        let usable = link.present && link.admin_up && link.address;
        let group = match (mode, group) {
            (Mode::Multicast, Some(group)) => Some(Group::Multicast(*group)),
            (Mode::Broadcast, Some(IpAddr::V4(group))) => Some(Group::Broadcast(*group)),
            (Mode::Multicast | Mode::Broadcast | Mode::Unicast, _) => None,
        };
        usable.then(|| SocketConfig {
            interface: interface.clone(),
            ifindex: link.ifindex,
            address: *address,
            port: *port,
            group,
            everybody: Some((everybody(*address), EVERYBODY_PORT)),
        })
    }

    fn try_open(&mut self, wanted: SocketConfig, now: u64) -> Option<Box<Sockets>> {
        let ident = u16::try_from(std::process::id() & 0xffff).unwrap_or(0);
        let echo = Echo::open(&wanted.interface, wanted.ifindex, wanted.address, ident).ok();
        // What it needs that is not to be had was said at the start.
        let arp = wanted.address.is_ipv4().then(|| Arp::open(&wanted.interface, wanted.ifindex));
        let arp = arp.and_then(Result::ok);
        match AdapterSocket::open(wanted.clone()) {
            Ok(adapter) => {
                self.open = Some(wanted);
                self.error.clear();
                self.retry_at = 0;
                self.retry_after = RETRY_MIN_NS;
                Some(Box::new(Sockets { adapter, echo, arp }))
            }
            Err(error) => {
                self.error = error.to_string();
                self.retry_at = now + self.retry_after;
                self.retry_after = (self.retry_after * 2).min(RETRY_MAX_NS);
                None
            }
        }
    }

    fn tell(&mut self, link: Link, close: bool, sockets: Option<Box<Sockets>>) {
        let before = self.told.as_ref();
        let same = before.is_some_and(|told| Link { at_ns: link.at_ns, ..told.clone() } == link);
        if same && !close && sockets.is_none() {
            return;
        }
        let plugged = |link: &Link| (link.present, link.admin_up, link.carrier);
        if before.map(plugged) != Some(plugged(&link)) {
            self.hurry(link.at_ns);
        }
        self.told = Some(link.clone());
        self.teller.tell(match (sockets, close) {
            (Some(sockets), _) => News::Opened(link, sockets),
            (None, true) => News::Closed(link),
            (None, false) => News::Changed(link),
        });
    }
}
