// From ../shared/yardstick, with the number of partitions as a sixth argument. Limit prototype: Kafka -> simdjson -> series buffers -> COPY segments
#include <librdkafka/rdkafka.h>
#include <postgresql/libpq-fe.h>
#include <simdjson.h>
#include <unordered_map>
#include <string>
#include <vector>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <endian.h>
#include <thread>
#include <mutex>
#include <condition_variable>
#include <deque>
static double now(){timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec+t.tv_nsec/1e9;}
struct Series{std::vector<int64_t>ts;std::vector<double>v;};
static int64_t two(const char*s){return (s[0]-'0')*10+s[1]-'0';}
int main(int c,char**v){
 const char*broker=v[1],*topic=v[2];long N=atol(v[3]);const char*pg=v[4];long epoch=atol(v[5]);int parts=c>6?atoi(v[6]):4;
 char e[512];rd_kafka_conf_t*cf=rd_kafka_conf_new();
 auto set=[&](const char*k,const char*x){if(rd_kafka_conf_set(cf,k,x,e,512))puts(e);};
 set("bootstrap.servers",broker);set("group.id","lim");set("enable.auto.commit","false");set("queued.min.messages","1000000");set("queued.max.messages.kbytes","200000");set("check.crcs","false");
 rd_kafka_t*rk=rd_kafka_new(RD_KAFKA_CONSUMER,cf,e,512);rd_kafka_poll_set_consumer(rk);
 auto*l=rd_kafka_topic_partition_list_new(1);for(int p=0;p<parts;p++)rd_kafka_topic_partition_list_add(l,topic,p)->offset=0;rd_kafka_assign(rk,l);
 auto*q=rd_kafka_queue_get_consumer(rk);
 std::mutex mu;std::condition_variable cv;std::deque<std::string>jobs;bool done=false;
 std::thread writer([&]{PGconn*pc=PQconnectdb(pg);PQexec(pc,"drop table if exists lim;create table lim(series int,t0 timestamptz,t1 timestamptz,ts timestamptz[],v float8[],primary key(series,t0))");
  for(;;){std::string b;{std::unique_lock<std::mutex>k(mu);cv.wait(k,[&]{return done||!jobs.empty();});if(jobs.empty())break;b=std::move(jobs.front());jobs.pop_front();cv.notify_all();}
   PQexec(pc,"begin");auto*r=PQexec(pc,"copy lim from stdin binary");PQclear(r);for(size_t o=0;o<b.size();o+=65536)PQputCopyData(pc,b.data()+o,std::min<size_t>(65536,b.size()-o));PQputCopyEnd(pc,0);r=PQgetResult(pc);if(PQresultStatus(r)!=PGRES_COMMAND_OK)puts(PQerrorMessage(pc));PQclear(r);while((r=PQgetResult(pc)))PQclear(r);PQexec(pc,"commit");}
 });
 std::unordered_map<std::string,int>ids;std::vector<Series>ss;std::vector<int>dirty;
 simdjson::ondemand::parser ps;std::vector<char>buf(1<<20);
 long n=0,since=0,segs=0;double t0=0;rd_kafka_message_t*m[4096];std::string key;
 auto flush=[&]{std::string o("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0",19);
  auto p16=[&](int16_t x){x=htobe16(x);o.append((char*)&x,2);};auto p32=[&](int32_t x){x=htobe32(x);o.append((char*)&x,4);};auto p64=[&](int64_t x){x=htobe64(x);o.append((char*)&x,8);};
  for(int d:dirty){auto&s=ss[d];int k=s.ts.size();p16(5);p32(4);p32(d);p32(8);p64(s.ts[0]+segs++);p32(8);p64(s.ts.back());
   p32(20+12*k);p32(1);p32(0);p32(1184);p32(k);p32(1);for(auto x:s.ts){p32(8);p64(x);}
   p32(20+12*k);p32(1);p32(0);p32(701);p32(k);p32(1);for(auto x:s.v){int64_t y;memcpy(&y,&x,8);p32(8);p64(y);}
   s.ts.clear();s.v.clear();}
  p16(-1);dirty.clear();since=0;std::unique_lock<std::mutex>k(mu);cv.wait(k,[&]{return jobs.size()<4;});jobs.push_back(std::move(o));cv.notify_all();};
 while(n<N){ssize_t k=rd_kafka_consume_batch_queue(q,100,m,4096);if(k>0&&!n)t0=now();
  for(int i=0;i<k;i++){if(m[i]->err){rd_kafka_message_destroy(m[i]);continue;}
   memcpy(buf.data(),m[i]->payload,m[i]->len);memset(buf.data()+m[i]->len,0,64);
   auto d=ps.iterate(buf.data(),m[i]->len,buf.size());std::string_view path,tsv;double val=0;
   for(auto f:d.get_object()){std::string_view kk=f.unescaped_key().value_unsafe();if(kk=="path")path=f.value().get_string().value_unsafe();else if(kk=="value")val=f.value().get_double().value_unsafe();else if(kk=="timestamp")tsv=f.value().get_string().value_unsafe();}
   key.assign((char*)m[i]->key,m[i]->key_len);key.append(path);
   auto it=ids.find(key);int id;if(it==ids.end()){id=ss.size();ids.emplace(key,id);ss.emplace_back();}else id=it->second;
   const char*z=tsv.data();int64_t t=((two(z+8)*24+two(z+11))*3600+two(z+14)*60+two(z+17))*1000000LL+((z[20]-'0')*100+two(z+21))*1000;
   auto&s=ss[id];if(s.ts.empty())dirty.push_back(id);s.ts.push_back(t);s.v.push_back(val);n++;since++;
   rd_kafka_message_destroy(m[i]);}
  if(since>=epoch)flush();}
 double tp=now();flush();{std::unique_lock<std::mutex>k(mu);done=true;cv.notify_all();}writer.join();double t1=now();
 printf("%ld events, %zu series, %ld segments, parse done %.2fs, committed %.2fs => %.0f events/s\n",n,ss.size(),segs,tp-t0,t1-t0,n/(t1-t0));
}
