//! The first words of a HID report descriptor: what kind of device an interface claims to be.

/// Usage page and usage of the first top-level collection; none: the descriptor does not say, or is broken.
pub(super) fn top_level_usage(mut descriptor: &[u8]) -> (Option<u16>, Option<u16>) {
    const LONG_ITEM: u8 = 0xfe;
    let (mut page, mut usage) = (None, None);
    while let [prefix, rest @ ..] = descriptor {
        let size = if *prefix == LONG_ITEM {
            rest.first().map_or(0, |size| usize::from(*size) + 2)
        } else {
            // Two bits for the size: 0, 1, 2 or 4 bytes.
            [0, 1, 2, 4][usize::from(prefix & 3)]
        };
        let Some((data, rest)) = rest.split_at_checked(size) else {
            break;
        };
        match (prefix & 0xfc, data) {
            (0x04, [low]) => page = Some(u16::from(*low)),
            (0x04, [low, high, ..]) => page = Some(u16::from_le_bytes([*low, *high])),
            (0x08, [low]) => usage = usage.or(Some(u16::from(*low))),
            (0x08, [low, high]) => usage = usage.or(Some(u16::from_le_bytes([*low, *high]))),
            // Four bytes bring their own page.
            (0x08, &[low, high, page_low, page_high]) => {
                usage = usage.or(Some(u16::from_le_bytes([low, high])));
                page = Some(u16::from_le_bytes([page_low, page_high]));
            }
            (0xa0, _) => break,
            _ => {}
        }
        descriptor = rest;
    }
    (page, usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_collection_tells() {
        assert_eq!(
            top_level_usage(&[0x06, 0x4b, 0xff, 0x09, 0x01, 0xa1, 0x01]),
            (Some(0xff4b), Some(1))
        );
        assert_eq!(
            top_level_usage(&[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01]),
            (Some(1), Some(6))
        );
        assert_eq!(
            top_level_usage(&[0x0b, 0x02, 0x00, 0x0c, 0x00, 0xa1, 0x01]),
            (Some(12), Some(2))
        );
    }

    #[test]
    fn a_broken_descriptor_tells_nothing_and_harms_nobody() {
        assert_eq!(top_level_usage(&[]), (None, None));
        assert_eq!(top_level_usage(&[0x06, 0x4b]), (None, None));
        assert_eq!(top_level_usage(&[0xfe, 0xff, 0x00]), (None, None));
    }
}
