package embedded

// command is one row of the table of commands.
type command struct {
	name string
	// arity is the number of words, including the name; negative: the minimum.
	arity int
	// writes: it needs a transaction.
	writes bool
	// controls: it runs at once between MULTI and EXEC, where others are queued.
	controls bool
	// anybody: it needs no authentication.
	anybody bool
	// One of the two: run works on the data, session only on the connection.
	run     func(*call) error
	session func(*session, [][]byte) error
}

func (c *command) takes(words int) bool {
	if c.arity < 0 {
		return words >= -c.arity
	}
	return words == c.arity
}

// table is the commands by name.
type table map[string]*command

func (t table) read(name string, arity int, run func(*call) error) {
	t[name] = &command{name: name, arity: arity, run: run}
}

func (t table) write(name string, arity int, run func(*call) error) {
	t[name] = &command{name: name, arity: arity, writes: true, run: run}
}

func (t table) control(name string, arity int, f func(*session, [][]byte) error) {
	t[name] = &command{name: name, arity: arity, controls: true, session: f}
}

func (t table) connection(name string, arity int, f func(*session, [][]byte) error) {
	t[name] = &command{name: name, arity: arity, session: f}
}

func (t table) greeting(name string, arity int, controls bool, f func(*session, [][]byte) error) {
	t[name] = &command{name: name, arity: arity, controls: controls, anybody: true, session: f}
}

func commandTable() map[string]*command {
	t := table{}
	t.connectionCommands()
	t.serverCommands()
	t.keyCommands()
	t.stringCommands()
	t.hashCommands()
	return t
}

func (t table) connectionCommands() {
	t.control("multi", 1, (*session).cmdMulti)
	t.control("exec", 1, (*session).cmdExec)
	t.control("discard", 1, (*session).cmdDiscard)
	t.control("watch", -2, (*session).cmdWatch)
	t.greeting("quit", -1, true, (*session).cmdQuit)
	t.greeting("reset", 1, true, (*session).cmdReset)
	t.control("shutdown", -1, (*session).cmdShutdown)
	t.connection("unwatch", 1, (*session).cmdUnwatch)
	t.connection("ping", -1, (*session).cmdPing)
	t.greeting("hello", -1, false, (*session).cmdHello)
	t.connection("client", -2, (*session).cmdClient)
	t.connection("select", 2, (*session).cmdSelect)
	t.greeting("auth", -2, false, (*session).cmdAuth)
}

func (t table) serverCommands() {
	t.read("echo", 2, func(k *call) error { return k.bulk(k.args[1]) })
	t.read("command", -1, cmdCommand)
	t.read("time", 1, cmdTime)
	t.read("info", -1, cmdInfo)
	t.read("dbsize", 1, cmdDBSize)
	t.write("flushall", -1, cmdFlush)
	t.write("flushdb", -1, cmdFlush)
}

func (t table) keyCommands() {
	t.read("keys", 2, cmdKeys)
	t.read("scan", -2, cmdScan)
	t.read("exists", -2, cmdExists)
	t.read("touch", -2, cmdExists)
	t.read("type", 2, cmdType)
	t.read("ttl", 2, cmdTTL(1000, false))
	t.read("pttl", 2, cmdTTL(1, false))
	t.read("expiretime", 2, cmdTTL(1000, true))
	t.read("pexpiretime", 2, cmdTTL(1, true))
	t.write("del", -2, cmdDel)
	t.write("unlink", -2, cmdDel)
	t.write("expire", -3, cmdExpire(1000, false))
	t.write("pexpire", -3, cmdExpire(1, false))
	t.write("expireat", -3, cmdExpire(1000, true))
	t.write("pexpireat", -3, cmdExpire(1, true))
	t.write("persist", 2, cmdPersist)
}

func (t table) stringCommands() {
	t.read("get", 2, cmdGet)
	t.read("mget", -2, cmdMGet)
	t.read("strlen", 2, cmdStrLen)
	t.write("set", -3, cmdSet)
	t.write("setnx", 3, cmdSetNX)
	t.write("setex", 4, cmdSetEX(1000))
	t.write("psetex", 4, cmdSetEX(1))
	t.write("mset", -3, cmdMSet)
	t.write("getset", 3, cmdGetSet)
	t.write("getdel", 2, cmdGetDel)
	t.write("append", 3, cmdAppend)
	t.write("incr", 2, cmdIncr(1))
	t.write("decr", 2, cmdIncr(-1))
	t.write("incrby", 3, cmdIncrBy(1))
	t.write("decrby", 3, cmdIncrBy(-1))
}

func (t table) hashCommands() {
	t.read("hget", 3, cmdHGet)
	t.read("hmget", -3, cmdHMGet)
	t.read("hgetall", 2, cmdHGetAll)
	t.read("hkeys", 2, cmdHKeys)
	t.read("hvals", 2, cmdHVals)
	t.read("hlen", 2, cmdHLen)
	t.read("hexists", 3, cmdHExists)
	t.read("hstrlen", 3, cmdHStrLen)
	t.read("hscan", -3, cmdHScan)
	t.write("hset", -4, cmdHSet)
	t.write("hmset", -4, cmdHMSet)
	t.write("hsetnx", 4, cmdHSetNX)
	t.write("hdel", -3, cmdHDel)
	t.write("hincrby", 4, cmdHIncrBy)
}
