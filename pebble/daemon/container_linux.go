package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// cure is what to do where the system does not let us make a container.
const cure = "run starcharm as root, or allow user namespaces"

// launch starts the program in the container, which ends with this process at
// the latest.
func (d *Daemon) launch(program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	d.process = exec.Command(self, EnterCommand, d.root.dir, program)
	d.process.Args[0] = "starcharm"
	d.process.Stdout, d.process.Stderr = d.said, d.said
	d.process.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TZ=UTC",
		"PEBBLE=" + pebbleDir, "PEBBLE_SOCKET=" + socketPath, "PEBBLE_PERSIST=never",
	}
	attributes := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Getuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	d.process.SysProcAttr = attributes
	started := make(chan error, 1)
	go func() {
		// The process is told of the end of the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := d.process.Start()
		started <- err
		if err == nil {
			_ = d.process.Wait()
		}
		close(d.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("cannot make a container: %w; %s", err, cure)
	}
	return nil
}

// Enter makes this process, which [EnterCommand] started in namespaces of its
// own, the pebble program in the container with the root directory dir. It
// returns only if it cannot.
func Enter(dir, program string) error {
	if err := furnish(dir, program); err != nil {
		return fmt.Errorf("cannot make a container: %w; %s", err, cure)
	}
	return fmt.Errorf("cannot run %s: %w", program, unix.Exec(programPath, []string{"pebble", "run", "--hold", "--create-dirs"}, os.Environ()))
}

// furnish mounts what is the machine's, and makes dir the root.
func furnish(dir, program string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("the mounts cannot be made its own: %w", err)
	}
	for _, name := range programDirs {
		target := filepath.Join(dir, name)
		if info, err := os.Lstat(target); err != nil || !info.IsDir() {
			continue // not there, or a link to another of them
		}
		if err := bind("/"+name, target); err != nil {
			return err
		}
		if err := unix.MountSetattr(-1, target, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
			return fmt.Errorf("/%s cannot be made read-only: %w", name, err)
		}
	}
	if err := bind(program, filepath.Join(dir, programPath)); err != nil {
		return err
	}
	for _, device := range devices {
		if err := bind("/dev/"+device, filepath.Join(dir, "dev", device)); err != nil {
			return err
		}
	}
	proc := filepath.Join(dir, "proc")
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc cannot be mounted: %w", err)
	}
	if err := loopback(); err != nil {
		return fmt.Errorf("the loopback interface cannot be brought up: %w", err)
	}
	if err := unix.Chroot(dir); err != nil {
		return err
	}
	return unix.Chdir("/")
}

func bind(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("%s cannot be mounted: %w", source, err)
	}
	return nil
}

// loopback brings the container's own lo up.
func loopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
}
