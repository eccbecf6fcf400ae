//! Where a file or folder lies: file systems whose changes others make give no word of them here, so they are polled;
//! those that the kernel makes up hold no records.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{fstatfs, statfs};

/// File systems that lie elsewhere, by the magic number that `statfs(2)` gives (linux/magic.h and their own sources).
const ELSEWHERE: [(u64, &str); 20] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB (cifs)"),
    (0xfe53_4d42, "SMB (smb2)"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x564c, "NCP"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0xaad7_aaea, "PanFS"),
    (0x786f_4256, "VirtualBox shared folder"),
    (0xbacb_acbc, "VMware shared folder"),
];

/// File systems that the kernel makes up: to read there may wait for ever, or take away what others wait for.
const OF_KERNEL: [u64; 13] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xf97c_ff8c, // selinux
    0x1980_0202, // mqueue
    0x1cd1,      // devpts
];

/// Whether an open file is one that the kernel makes up.
pub fn is_of_kernel(file: impl AsFd) -> bool {
    fstatfs(file).is_ok_and(|it| is_kernels(it.f_type.cast_unsigned()))
}

/// Whether a file or folder lies where the kernel makes them up.
pub fn is_place_of_kernel(path: &Path) -> bool {
    statfs(path).is_ok_and(|it| is_kernels(it.f_type.cast_unsigned()))
}

fn is_kernels(magic: u64) -> bool {
    OF_KERNEL.contains(&(magic & 0xffff_ffff))
}

/// The name of the file system that `folder` lies on, if it is one whose changes the system does not tell of. `None`
/// also where that cannot be found out.
pub fn elsewhere(folder: &Path) -> Option<&'static str> {
    name(statfs(folder).ok()?.f_type.cast_unsigned())
}

fn name(magic: u64) -> Option<&'static str> {
    // Some kernels extend the sign of the 32 bits that count.
    let magic = magic & 0xffff_ffff;
    ELSEWHERE.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_and_fuse_are_elsewhere_and_disks_are_not() {
        let cases: [(u64, Option<&str>); 9] = [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("SMB (cifs)")),
            (0xffff_ffff_ff53_4d42, Some("SMB (cifs)")),
            (0x6573_5546, Some("FUSE")),
            (0xef53, None),      // ext4
            (0x5846_5342, None), // xfs
            (0x9123_683e, None), // btrfs
            (0x0102_1994, None), // tmpfs
            (0x794c_7630, None), // overlayfs
        ];
        for (magic, expected) in cases {
            assert_eq!(name(magic), expected, "{magic:#x}");
        }
        assert_eq!(elsewhere(Path::new("/proc")), None);
        assert_eq!(elsewhere(Path::new("/nowhere")), None);
    }
}
