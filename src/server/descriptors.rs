use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept from connections: for upstream, files, the runtime, the socket that listens.
const RESERVE: u64 = 64;

/// Raises the soft limit of open files to the hard one, and gives what it is then.
pub fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    // A hard limit above what the kernel gives any process is refused; the soft one stands then.
    let limit = setrlimit(Resource::Nofile, raised).map_or(current, |()| maximum);
    limit.unwrap_or(u64::MAX)
}

/// How many connections so many descriptors allow: all but the reserve, or half of few.
pub(super) fn connections(descriptors: u64) -> usize {
    let reserve = RESERVE.min(descriptors / 2);
    usize::try_from(descriptors - reserve).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_kept_back_however_few_there_are() {
        for (descriptors, allowed) in [(0, 0), (1, 1), (24, 12), (128, 64), (1024, 960)] {
            assert_eq!(connections(descriptors), allowed, "{descriptors}");
        }
    }
}
