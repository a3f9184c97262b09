use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use hyper::header::HeaderValue;
use rustix::time::{ClockId, clock_gettime};

/// The last second that the date format can represent: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

thread_local! {
    static MADE: RefCell<(u64, HeaderValue)> =
        const { RefCell::new((u64::MAX, HeaderValue::from_static(""))) };
}

/// The value of `Date`.
///
/// hyper computes its own again only when its second has passed. After the clock has been set back, that takes as long
/// as the clock was set back by.
pub fn now() -> HeaderValue {
    of(this_second())
}

/// The current second in Unix time, for `Date`.
pub(super) fn this_second() -> u64 {
    second_of(clock_gettime(ClockId::Realtime).tv_sec)
}

fn second_of(since_1970: i64) -> u64 {
    u64::try_from(since_1970).map_or(0, |since| since.min(LAST))
}

/// The value of `Date` for a second, computed once while it is the last one requested.
pub(super) fn of(second: u64) -> HeaderValue {
    MADE.with_borrow_mut(|(made, value)| {
        if *made != second {
            let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
            *value = HeaderValue::try_from(date).unwrap_or(HeaderValue::from_static(""));
            *made = second;
        }
        value.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_clock_in_either_direction() {
        for (seconds, date) in [
            (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (1_700_000_001, "Tue, 14 Nov 2023 22:13:21 GMT"),
            (1_600_000_000, "Sun, 13 Sep 2020 12:26:40 GMT"),
            (LAST as i64 + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-9, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(of(second_of(seconds)), date);
        }
    }
}
