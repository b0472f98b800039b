#!/usr/bin/env bash
# Start a SLURM of one node on this machine (Debian or Ubuntu, root), with one pretended GPU; `slurm.sh stop` ends it.
# No accounting database runs: ask for states with `--slurm-status-command squeue`.
set -euo pipefail

folder=${XDG_CACHE_HOME:-$HOME/.cache}/landmark-discovery-system/slurm
node=$(hostname -s)
socket=$folder/munge/socket

stop() {
  local file
  for file in "$folder"/slurmd.pid "$folder"/slurmctld.pid "$folder"/munge/munged.pid; do
    if [[ -s $file ]]; then
      kill "$(<"$file")" 2>/dev/null || true
      rm -f "$file"
    fi
  done
}

if [[ ${1:-start} == stop ]]; then
  stop
  exit
fi

if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    munge slurm-client slurmctld slurmd >&2
fi
stop
mkdir -p "$folder"/{state,spool,log,munge} /etc/slurm
# munged refuses folders that others may write to, and wants to be reached through all of them.
chmod 0755 "$folder"
chmod 0711 "$folder/munge"
if [[ ! -s $folder/munge/key ]]; then
  (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
fi
rm -f "$socket"
munged --force --socket="$socket" --key-file="$folder/munge/key" --pid-file="$folder/munge/munged.pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"

memory_mb=$(awk '/^MemTotal:/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
cat >/etc/slurm/slurm.conf <<CONFIGURATION
ClusterName=check
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
KillWait=20
MinJobAge=600
SchedulerParameters=sched_interval=1,sched_min_interval=0,defer=0
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory_mb Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES MaxTime=04:00:00 State=UP
CONFIGURATION
echo "NodeName=$node Name=gpu File=/dev/null" >/etc/slurm/gres.conf
slurmctld -c
slurmd -c
for _ in {1..150}; do
  [[ $(sinfo --noheader --format %T 2>/dev/null) == idle ]] && break
  sleep 0.2
done
sinfo
