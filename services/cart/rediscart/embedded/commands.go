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

func commandTable() map[string]*command {
	table := map[string]*command{}
	add := func(c command) { table[c.name] = &c }
	read := func(name string, arity int, run func(*call) error) { add(command{name: name, arity: arity, run: run}) }
	write := func(name string, arity int, run func(*call) error) {
		add(command{name: name, arity: arity, writes: true, run: run})
	}
	control := func(name string, arity int, f func(*session, [][]byte) error) {
		add(command{name: name, arity: arity, controls: true, session: f})
	}
	connection := func(name string, arity int, f func(*session, [][]byte) error) {
		add(command{name: name, arity: arity, session: f})
	}

	greeting := func(name string, arity int, controls bool, f func(*session, [][]byte) error) {
		add(command{name: name, arity: arity, controls: controls, anybody: true, session: f})
	}

	control("multi", 1, (*session).cmdMulti)
	control("exec", 1, (*session).cmdExec)
	control("discard", 1, (*session).cmdDiscard)
	control("watch", -2, (*session).cmdWatch)
	greeting("quit", -1, true, (*session).cmdQuit)
	greeting("reset", 1, true, (*session).cmdReset)
	control("shutdown", -1, (*session).cmdShutdown)
	connection("unwatch", 1, (*session).cmdUnwatch)
	connection("ping", -1, (*session).cmdPing)
	greeting("hello", -1, false, (*session).cmdHello)
	connection("client", -2, (*session).cmdClient)
	connection("select", 2, (*session).cmdSelect)
	greeting("auth", -2, false, (*session).cmdAuth)

	read("echo", 2, func(k *call) error { return k.bulk(k.args[1]) })
	read("command", -1, cmdCommand)
	read("time", 1, cmdTime)
	read("info", -1, cmdInfo)
	read("dbsize", 1, cmdDBSize)
	write("flushall", -1, cmdFlush)
	write("flushdb", -1, cmdFlush)

	read("keys", 2, cmdKeys)
	read("scan", -2, cmdScan)
	read("exists", -2, cmdExists)
	read("touch", -2, cmdExists)
	read("type", 2, cmdType)
	read("ttl", 2, cmdTTL(1000, false))
	read("pttl", 2, cmdTTL(1, false))
	read("expiretime", 2, cmdTTL(1000, true))
	read("pexpiretime", 2, cmdTTL(1, true))
	write("del", -2, cmdDel)
	write("unlink", -2, cmdDel)
	write("expire", -3, cmdExpire(1000, false))
	write("pexpire", -3, cmdExpire(1, false))
	write("expireat", -3, cmdExpire(1000, true))
	write("pexpireat", -3, cmdExpire(1, true))
	write("persist", 2, cmdPersist)

	read("get", 2, cmdGet)
	read("mget", -2, cmdMGet)
	read("strlen", 2, cmdStrLen)
	write("set", -3, cmdSet)
	write("setnx", 3, cmdSetNX)
	write("setex", 4, cmdSetEX(1000))
	write("psetex", 4, cmdSetEX(1))
	write("mset", -3, cmdMSet)
	write("getset", 3, cmdGetSet)
	write("getdel", 2, cmdGetDel)
	write("append", 3, cmdAppend)
	write("incr", 2, cmdIncr(1))
	write("decr", 2, cmdIncr(-1))
	write("incrby", 3, cmdIncrBy(1))
	write("decrby", 3, cmdIncrBy(-1))

	read("hget", 3, cmdHGet)
	read("hmget", -3, cmdHMGet)
	read("hgetall", 2, cmdHGetAll)
	read("hkeys", 2, cmdHKeys)
	read("hvals", 2, cmdHVals)
	read("hlen", 2, cmdHLen)
	read("hexists", 3, cmdHExists)
	read("hstrlen", 3, cmdHStrLen)
	read("hscan", -3, cmdHScan)
	write("hset", -4, cmdHSet)
	write("hmset", -4, cmdHMSet)
	write("hsetnx", 4, cmdHSetNX)
	write("hdel", -3, cmdHDel)
	write("hincrby", 4, cmdHIncrBy)
	return table
}
