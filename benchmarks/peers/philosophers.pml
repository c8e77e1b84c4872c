/* Ten philosophers who eat for ever, each with the left fork first: the steps of explore_philosophers.yaml.
 *
 * init starts them one after the other, as a scenario's main thread does. Eating is no step in either model.
 */
#define N 10

bool taken[N];

proctype philosopher(byte left; byte right)
{
	do
	:: d_step { !taken[left] -> taken[left] = true };
	   d_step { !taken[right] -> taken[right] = true };
	   taken[left] = false;
	   taken[right] = false
	od
}

init
{
	run philosopher(0, 1); run philosopher(1, 2); run philosopher(2, 3); run philosopher(3, 4);
	run philosopher(4, 5); run philosopher(5, 6); run philosopher(6, 7); run philosopher(7, 8);
	run philosopher(8, 9); run philosopher(9, 0)
}
