# SPDX-License-Identifier: PostgreSQL
# The agent's image on a host with cgroup v2, which this one may not be: a small virtual machine whose
# file system is the image. It lays out what docker does there (a group for the container, in a cgroup
# namespace of its own, delegation enforced) and starts what the image starts. Sourced by run.sh.

# Written as the machine's init. The agent waits for a database for ever: its first line says what it
# found, and so do the groups.
cgroup_v2_init() {
    cat <<'INIT'
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec >/dev/console 2>&1 </dev/null
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
hostname agent-1
ip link set lo up 2>/dev/null
own=/sys/fs/cgroup/docker/0123456789ab
mkdir -p $own
for group in /sys/fs/cgroup /sys/fs/cgroup/docker; do
    echo '+cpu +memory +pids' >$group/cgroup.subtree_control
done
export HOWDAH_DB='host=127.0.0.1 dbname=howdah user=agent' HOWDAH_RESOURCES='cpus:2;mem:1024'
unshare --pid --fork --mount-proc \
    bash -c "echo 0 >$own/cgroup.procs; exec unshare --cgroup tini -- agent-start" 2>/log &
for try in $(seq 300); do
    grep -q isolation /log && break
    sleep 0.2
done
echo "log: $(grep -o 'driver=[a-z0-9_]*' /log)"
echo "container: $(wc -l <$own/cgroup.procs) processes; agent: $(wc -l <$own/agent/cgroup.procs)"
echo "controllers: $(xargs <$own/howdah/cgroup.subtree_control)"
cat /log
echo "vm-exit-code 0"
echo o >/proc/sysrq-trigger
sleep 10
INIT
}

cgroup_v2_root() { # DIR: the image's files, and the init
    local id
    rm -rf --one-file-system "$1" && mkdir "$1" &&
        id=$(docker create "$IMAGES-agent") && docker export "$id" | tar -C "$1" -x &&
        docker rm "$id" >/dev/null && cgroup_v2_init >"$1/init" && chmod 0755 "$1/init"
}

cgroup_v2_test() {
    local name="an agent's container on a host with cgroup v2 isolates in its own group" output code=0
    cgroup_v2_root "$WORK/vm-root" || { ok 1 "$name"; return; }
    output=$(VM_MEM=1536 tests/vm/run.sh --root "$WORK/vm-root" 2>&1) || code=$?
    rm -rf --one-file-system "$WORK/vm-root"
    [ $code -ne 77 ] || { skip "$name" "${output##*skipped: }"; return; }
    like "$output" 'log: driver=cgroup_v2' "$name" || diag "$output"
    like "$output" 'container: 0 processes; agent: [1-9]' "its processes have moved beside the tasks"
    like "$output" 'controllers: .*cpu.*memory.*pids' "and its tasks' groups get the controllers"
}
