/* A buffer of one from a lock and two conditions, two producers, two consumers, four items each: the steps of
 * explore_buffer.yaml.
 *
 * A condition is the queue of those who wait for it, and for each thread whether it was woken. A wait is to leave the
 * lock, to be woken and to take the lock again. What touches no other thread (loops, counters) is done with the step
 * before it. A thread's end is a step, and it stays there. init starts the threads and joins them one after the other.
 */
#define ITEMS 4

bool locked, held, woken[4], ended[4], over;
chan not_full = [2] of { byte };
chan not_empty = [2] of { byte };
byte next;

inline acquire()
{
	d_step { done < ITEMS && !locked -> locked = true }
}

inline wait_on(condition)
{
	d_step { condition!me; locked = false };
	d_step { woken[me] -> woken[me] = false };
	d_step { !locked -> locked = true }
}

inline notify(condition)
{
	d_step {
		if
		:: condition?next -> woken[next] = true; next = 0
		:: empty(condition)
		fi
	}
}

inline release()
{
	d_step { locked = false; done++ }
}

proctype producer(byte me)
{
	byte done;
	do
	:: acquire();
test:	   if
	   :: held -> wait_on(not_full); goto test
	   :: !held
	   fi;
	   held = true;
	   notify(not_empty);
	   release()
	:: d_step { done == ITEMS -> ended[me] = true };
	   break
	od;
end:	false
}

proctype consumer(byte me)
{
	byte done;
	do
	:: acquire();
test:	   if
	   :: !held -> wait_on(not_empty); goto test
	   :: held
	   fi;
	   held = false;
	   notify(not_full);
	   release()
	:: d_step { done == ITEMS -> ended[me] = true };
	   break
	od;
end:	false
}

init
{
	run producer(0); run producer(1); run consumer(2); run consumer(3);
	ended[0]; ended[1]; ended[2]; ended[3];
	d_step { ended[3] -> over = true };
end:	false
}
