//! Addresses as both protocols carry them: 4 or 16 bytes in network order.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

/// The bytes of `address`.
pub(crate) fn to_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Any address. An IPv4 address has one form only, the one of four bytes: two
/// forms of one address would be two members.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(octets));
    }
    let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
    v6.to_ipv4_mapped().is_none().then_some(IpAddr::V6(v6))
}

/// The address of one host: nobody can be made to send to a whole network, or
/// to himself by the unspecified address.
pub(crate) fn host_from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    let address = from_bytes(bytes)?;
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    (!broadcast && !address.is_unspecified() && !address.is_multicast()).then_some(address)
}
