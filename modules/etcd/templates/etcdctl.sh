# how etcdctl on this node reaches the cluster
export ETCDCTL_API=3
export ETCDCTL_ENDPOINTS={{ .Endpoints }}
export ETCDCTL_CACERT=/etc/pki/ca.crt
if [ -r /etc/etcd/etcd.pass ]; then
  export ETCDCTL_USER="root:$(cat /etc/etcd/etcd.pass)"
fi
