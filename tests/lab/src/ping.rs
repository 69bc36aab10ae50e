//! Datagrams from node to node, sent by the lab itself: shows what the cables
//! do, with no program needed in the nodes.

use std::{
    fs::File,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{netlink::Netlink, netns};

/// How long one datagram may take.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Two adapters of one network, ready to be tried.
#[derive(Debug)]
pub struct Pair {
    /// The first.
    pub from: End,
    /// The second.
    pub to: End,
}

/// An adapter in its network namespace.
#[derive(Debug)]
pub struct End {
    /// The namespace.
    pub net: File,
    /// The name of the interface.
    pub interface: String,
    /// Its address.
    pub address: IpAddr,
}

/// How many datagrams arrived, each way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PingReply {
    /// Sent each way.
    pub sent: u32,
    /// Arrived at the second adapter.
    pub there: u32,
    /// Arrived at the first adapter.
    pub back: u32,
    /// Shortest time from sender to receiver, in microseconds.
    pub fastest_us: Option<u64>,
}

impl Pair {
    /// Sends `count` datagrams each way, one after the other. The directions
    /// are independent: each kernel is told the other's hardware address, which
    /// it would else learn by a packet each way, so that an adapter that sends
    /// nothing would seem to hear nothing either.
    ///
    /// # Errors
    ///
    /// A socket could not be opened.
    pub fn ping(&self, count: u32) -> Result<PingReply> {
        let (mut near, mut far) = (Side::open(&self.from)?, Side::open(&self.to)?);
        let mut reply = PingReply { sent: count, there: 0, back: 0, fastest_us: None };
        for number in 0..count {
            // Each time: what is not confirmed is forgotten after some seconds.
            near.learn(&far);
            far.learn(&near);
            for (sender, receiver, arrived) in
                [(&near, &far, &mut reply.there), (&far, &near, &mut reply.back)]
            {
                if let Some(took) = send(&sender.socket, &receiver.socket, number) {
                    *arrived += 1;
                    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    reply.fastest_us = Some(reply.fastest_us.map_or(us, |best| best.min(us)));
                }
            }
        }
        Ok(reply)
    }
}

/// An adapter while it is tried.
struct Side {
    socket: UdpSocket,
    kernel: Netlink,
    index: u32,
    hardware: Vec<u8>,
    address: IpAddr,
}

impl Side {
    fn open(end: &End) -> Result<Self> {
        let address = end.address;
        netns::within(&end.net, || {
            let socket = UdpSocket::bind((address, 0))
                .with_context(|| format!("open a socket on {address}"))?;
            socket.set_read_timeout(Some(TIMEOUT)).context("limit the waiting time")?;
            let mut kernel = Netlink::open()?;
            let index = kernel.index(&end.interface)?;
            let hardware = kernel.hardware_address(index)?;
            Ok(Side { socket, kernel, index, hardware, address })
        })
    }

    fn learn(&mut self, other: &Side) {
        // Refused where the interface is down: nothing arrives then either.
        let _ = self.kernel.learn(self.index, other.address, &other.hardware);
    }
}

/// Sends one datagram; returns how long it took, if it arrived.
fn send(sender: &UdpSocket, receiver: &UdpSocket, number: u32) -> Option<Duration> {
    let to: SocketAddr = receiver.local_addr().ok()?;
    let from = sender.local_addr().ok()?;
    let started = Instant::now();
    // Refused when the carrier is gone: it did not arrive.
    sender.send_to(&number.to_be_bytes(), to).ok()?;
    let mut bytes = [0; 8];
    while let Ok((length, source)) = receiver.recv_from(&mut bytes) {
        if source == from && bytes[..length] == number.to_be_bytes() {
            return Some(started.elapsed());
        }
        if started.elapsed() > TIMEOUT {
            break;
        }
    }
    None
}
