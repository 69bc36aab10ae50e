use super::*;
use crate::links::table::Interfaces;

/// One attribute, padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&7u32.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(body);
    bytes
}

fn link_body(family: u8, index: u32, flags: i32, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![family, 0, 1, 0];
    body.extend_from_slice(&index.to_ne_bytes());
    body.extend_from_slice(&flags.to_ne_bytes());
    body.extend_from_slice(&[0; 4]);
    body.extend(attributes.concat());
    body
}

fn eth0(flags: i32) -> Vec<u8> {
    let attributes = [
        attribute(libc::IFLA_IFNAME, b"eth0\0"),
        attribute(libc::IFLA_MTU, &1500u32.to_ne_bytes()),
        attribute(libc::IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
        attribute(IFLA_CARRIER, &[1]),
        attribute(libc::IFLA_LINKINFO | 0x8000, &attribute(libc::IFLA_INFO_KIND, b"veth\0")),
        attribute(4711, b"of a newer kernel"),
    ];
    message(libc::RTM_NEWLINK, &link_body(0, 3, flags, &attributes))
}

fn address_body(last: u8, flags: u32) -> Vec<u8> {
    let mut body = vec![2, 24, 0, libc::RT_SCOPE_UNIVERSE];
    body.extend_from_slice(&3u32.to_ne_bytes());
    body.extend(attribute(libc::IFA_ADDRESS, &[10, 0, 0, 99]));
    body.extend(attribute(libc::IFA_LOCAL, &[10, 0, 0, last]));
    body.extend(attribute(libc::IFA_FLAGS, &flags.to_ne_bytes()));
    body
}

fn apply(table: &mut Interfaces, bytes: &[u8]) -> bool {
    let changes = Messages::new(bytes).filter(|message| table.apply(&message.item));
    changes.count() > 0
}

const UP: i32 = libc::IFF_UP | libc::IFF_LOWER_UP;

#[test]
fn link_is_read_and_what_is_unknown_passed_over() {
    let mut table = Interfaces::default();
    assert!(apply(&mut table, &eth0(UP)));
    assert!(!apply(&mut table, &eth0(UP)), "the same again is no change");
    let eth0 = table.named("eth0").unwrap();
    assert_eq!((eth0.index, eth0.mtu, eth0.carrier, eth0.admin_up), (3, 1500, true, true));
    assert_eq!((eth0.kind.as_deref(), &eth0.mac[..]), (Some("veth"), &[2, 0, 0, 0, 0, 1][..]));
}

#[test]
fn loss_of_carrier_is_a_change() {
    let mut table = Interfaces::default();
    apply(&mut table, &eth0(UP));
    assert!(apply(&mut table, &eth0(libc::IFF_UP)));
    assert!(!table.named("eth0").unwrap().carrier);
}

#[test]
fn address_is_our_end_and_not_the_peers() {
    let mut table = Interfaces::default();
    apply(&mut table, &eth0(UP));
    assert!(apply(&mut table, &message(libc::RTM_NEWADDR, &address_body(1, 0))));
    let address = table.named("eth0").unwrap().addresses[0];
    assert_eq!((address.address.to_string().as_str(), address.prefix_length), ("10.0.0.1", 24));
    assert!(address.is_usable());
}

#[test]
fn tentative_address_becomes_usable_or_duplicate() {
    let mut table = Interfaces::default();
    apply(&mut table, &eth0(UP));
    let mut flags = |flags| {
        apply(&mut table, &message(libc::RTM_NEWADDR, &address_body(1, flags)));
        table.named("eth0").unwrap().addresses[0]
    };
    assert!(!flags(libc::IFA_F_TENTATIVE).is_usable());
    assert!(flags(0).is_usable());
    let failed = flags(libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED);
    assert!(failed.duplicate && !failed.is_usable());
}

#[test]
fn address_that_goes_is_a_change_and_keeps_the_interface() {
    let mut table = Interfaces::default();
    apply(&mut table, &eth0(UP));
    apply(&mut table, &message(libc::RTM_NEWADDR, &address_body(1, 0)));
    assert!(!apply(&mut table, &message(libc::RTM_DELADDR, &address_body(2, 0))));
    assert!(apply(&mut table, &message(libc::RTM_DELADDR, &address_body(1, 0))));
    assert!(table.named("eth0").unwrap().addresses.is_empty());
}

#[test]
fn port_that_leaves_a_bridge_is_not_gone() {
    let mut table = Interfaces::default();
    apply(&mut table, &eth0(UP));
    let of_bridge = message(libc::RTM_DELLINK, &link_body(7, 3, 0, &[]));
    assert!(!apply(&mut table, &of_bridge));
    assert!(table.named("eth0").is_some());
    assert!(apply(&mut table, &message(libc::RTM_DELLINK, &link_body(0, 3, 0, &[]))));
    assert!(table.is_empty());
}

fn route_body(table: u8, metric: u32, gateway: u8) -> Vec<u8> {
    let mut body = vec![2, 0, 0, 0, table, 0, 0, libc::RTN_UNICAST, 0, 0, 0, 0];
    body.extend(attribute(libc::RTA_OIF, &3u32.to_ne_bytes()));
    body.extend(attribute(libc::RTA_GATEWAY, &[10, 0, 0, gateway]));
    body.extend(attribute(RTA_PRIORITY, &metric.to_ne_bytes()));
    body
}

#[test]
fn best_default_gateway_of_the_main_table_counts() {
    let mut table = Interfaces::default();
    let main = libc::RT_TABLE_MAIN;
    apply(&mut table, &message(libc::RTM_NEWROUTE, &route_body(main, 100, 253)));
    apply(&mut table, &message(libc::RTM_NEWROUTE, &route_body(main, 50, 254)));
    assert!(!apply(&mut table, &message(libc::RTM_NEWROUTE, &route_body(main - 1, 1, 1))));
    assert_eq!(table.gateway(3, false), Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 254))));
    assert_eq!((table.gateway(3, true), table.gateway(4, false)), (None, None));
    apply(&mut table, &message(libc::RTM_DELROUTE, &route_body(main, 50, 254)));
    assert_eq!(table.gateway(3, false), Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 253))));
}

#[test]
fn refused_request_gives_its_error() {
    let body = libc::EPERM.wrapping_neg().to_ne_bytes();
    let kind = u16::try_from(libc::NLMSG_ERROR).unwrap();
    let item = Messages::new(&message(kind, &body)).next().unwrap().item;
    assert_eq!(item, Item::Failed(libc::EPERM));
}

#[test]
fn messages_cut_anywhere_are_passed_over() {
    let mut table = Interfaces::default();
    let mut whole = eth0(UP);
    whole.extend(message(libc::RTM_NEWADDR, &address_body(1, 0)));
    whole.extend(message(libc::RTM_NEWROUTE, &route_body(254, 1, 1)));
    for len in 0..whole.len() {
        apply(&mut table, &whole[..len]);
    }
    for at in 0..whole.len() {
        for byte in [0, 1, 3, 0x7f, 0xff] {
            let mut bent = whole.clone();
            bent[at] = byte;
            apply(&mut table, &bent);
        }
    }
}
