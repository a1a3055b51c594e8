"""What runs on a device, in POSIX shell: coreutils, tar, and `ctr` or `k3s`, nothing else.

`$1` is the folder for blobs on their way (empty: in the user's cache), `$2` the address of
containerd (empty: where k3s or the distribution has it). `sudo -n` is used where the socket is not
the user's.
"""

# how the programs end when it is for us to say why
NO_CONTAINERD, NO_RIGHTS, NO_STAGE, NO_TOOL, SPOILT, NOT_TAKEN = 61, 62, 63, 64, 65, 66

# kubelet removes what nobody runs when the disk is full; what is pinned it leaves alone
_PINNED = "io.cri-containerd.pinned=pinned"

STAGE = """
export LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin"
umask 077
stage=${1:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/yolodeploy/images}
"""

# words: the stage; the rest is `ssh.staging`'s
ENTER = f"""{STAGE}
shift
mkdir -p "$stage/blobs/sha256" && cd "$stage/blobs/sha256" || exit {NO_STAGE}
"""

# `states` says of each of the names `ready` where it means the image `$digest`, all of it there and
# unpacked, `half` where some of it lacks. One call for all: sudo takes seconds where no name server
# answers
_BEGIN = f"""{STAGE}
socket=$2
shift 2
for tool in sha256sum mktemp tar df; do
  command -v $tool >/dev/null || {{ echo $tool >&2; exit {NO_TOOL}; }}
done
kind=containerd root=/var/lib/containerd
k3s=/run/k3s/containerd/containerd.sock
if [ -z "$socket" ] && [ -S $k3s ]; then
  kind=k3s root=/var/lib/rancher/k3s/agent/containerd socket=$k3s
fi
[ -n "$socket" ] || socket=/run/containerd/containerd.sock
[ -S "$socket" ] || {{ echo "$socket" >&2; exit {NO_CONTAINERD}; }}
if [ $kind = k3s ]; then
  program=$(command -v k3s)
  program=${{program:+$program ctr}}
else
  program=$(command -v ctr)
fi
[ "$program" ] || {{ echo ctr >&2; exit {NO_CONTAINERD}; }}
rights='sudo -n'
[ ! -w "$socket" ] || rights=
store() {{ $rights $program -a "$socket" -n k8s.io "$@"; }}
names= filters=
states() {{
  store images check $filters | while read -r name _ found state rest; do
    case "$found $state $rest" in
      "$digest complete "*true) echo "ready $name" ;;
      "$digest "*) echo "half $name" ;;
    esac
  done
}}
"""

# words: the image's digest, then the digests of its blobs and its names
LOOK = f"""{_BEGIN}
digest=$1
there=$(store content ls -q) || exit {NO_RIGHTS}
there=" $(echo $there) "
place=$stage
while [ ! -d "$place" ]; do place=$(dirname "$place"); done
free() {{
  df -Pk "$1" 2>/dev/null | while read -r disk _ _ kilobytes _; do
    [ "$kilobytes" = Available ] || echo "$2 $kilobytes $disk"
  done
}}
echo "machine $(uname -m)"
echo "runtime $kind"
free "$place" stage_disk
store_disk=$(free $root store_disk)
echo "${{store_disk:-$(free /var/lib store_disk)}}"
for word; do
  case $word in
    sha256:*)
      case $there in *" $word "*) echo "present $word" ;; esac
      blob=$stage/blobs/sha256/${{word#sha256:}}
      [ ! -f "$blob" ] || echo "staged $word $(wc -c <"$blob")" ;;
    *) filters="$filters name==$word" ;;
  esac
done
states
"""

# words: the image's digest, an index.json, then the digests of staged blobs and the image's names
TAKE_IN = f"""{_BEGIN}
digest=$1 index=$2
shift 2
work=$(mktemp -d "$stage/import.XXXXXX") || exit {NO_STAGE}
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cd "$work" && mkdir -p blobs/sha256 || exit {NO_STAGE}
printf %s "$index" >index.json || exit {NO_STAGE}
printf %s '{{"imageLayoutVersion":"1.0.0"}}' >oci-layout || exit {NO_STAGE}
# containerd 2 imports by another service, if not told to do as 1.6 does
$program images import --help >help 2>/dev/null &
blobs= spoilt=
for word; do
  case $word in
    sha256:*)
      blob=blobs/sha256/${{word#sha256:}}
      # whoever sends the same image may have taken it in already: the states tell
      ln "$stage/$blob" $blob 2>/dev/null || continue
      case $(sha256sum $blob) in
        "${{word#sha256:}} "*) blobs="$blobs $blob" ;;
        *) rm -f "$stage/$blob"; echo "spoilt $word"; spoilt=1 ;;
      esac ;;
    *) names="$names $word" filters="$filters name==$word" ;;
  esac
done
[ -z "$spoilt" ] || exit {SPOILT}
wait
local=
case $(cat "$work/help") in *--local*) local=--local ;; esac
tar -cf - oci-layout index.json $blobs | store images import $local - >&2
status=$?
found=" $(echo $(states)) "
half=
for name in $names; do
  case $found in
    *" ready $name "*) last=$name ;;
    *" half $name "*) half="$half $name" status=1 ;;
    *) status=1 ;;
  esac
done
# half an image under its name is worse than none: kubelet would not pull the rest
[ -z "$half" ] || store images rm $half >/dev/null
# a pin of one name holds the image; the last one is that by digest
[ $status != 0 ] || store images label "$last" {_PINNED} >/dev/null || status=1
[ $status = 0 ] || exit {NOT_TAKEN}
for blob in $blobs; do rm -f "$stage/$blob"; done
# what nobody came back for in a week
find "$stage" -mindepth 1 -mtime +7 \\( -type f -o -name 'import.*' \\) \\
  -exec rm -rf {{}} + 2>/dev/null
exit 0
"""
